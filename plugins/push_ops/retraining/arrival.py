"""Wait for the file of a run's dataset, without holding a worker."""

import glob
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSensorTimeout, TaskDeferralError

from push_model.errors import DatasetError, DatasetMissingError, InvalidEventError, PushModelError
from push_model.training.data.files import is_file_uri, to_path
from push_ops import schedule
from push_ops.retraining.request import RetrainingRequest

# A look is a stat, but on a network mount each is a request.
_POKE_S = 5
# A shorter wait (a newcomer's, a test's) is not worth the way to the triggerer and back.
_SHORT_WAIT_S = 120
_HOUR_S = 3600

logger = logging.getLogger(__name__)


class AwaitDataset(FileSensor):
    """Wait until the file of a run's dataset is there; whether it is whole, the step load checks.

    Only the file of today is waited for, for ``wait_s`` of the request. A path without a date and
    the file of a day that is over are there or the task fails at once. What is not a file is not
    waited for.
    """

    def __init__(self, *, read_request: Callable[[], RetrainingRequest], **kwargs: Any) -> None:
        super().__init__(filepath="", **{"poke_interval": _POKE_S, **kwargs})
        self._read_request = read_request

    @cached_property
    def path(self) -> str:
        """The file as a pattern; it is absolute, so no connection ``fs_default`` is needed."""
        return str(self.filepath)

    def execute(self, context: Context) -> None:
        """Check the form, look for the file, and wait where it may still arrive."""
        request = self._find_file()
        if not is_file_uri(request.dataset) or self.poke(context):
            return
        now = datetime.now(UTC)
        if request.run_date < now.date() or not request.is_daily:
            raise _say_that_none_comes(request)
        end = now + timedelta(seconds=request.wait_s)
        logger.info("Waiting for %s until %s UTC.", request.dataset, f"{end:%Y-%m-%d %H:%M:%S}")
        # `dags test` runs a trigger in its own process and does not end it at the time limit.
        is_deferred = request.requested_by != schedule.BY_DAGS_TEST
        self.timeout = request.wait_s
        self.deferrable = is_deferred and request.wait_s > _SHORT_WAIT_S
        try:
            super().execute(context)
        except AirflowSensorTimeout:
            self._give_up(request)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> None:
        """Go on after waiting; look once more where no triggerer watched to the end."""
        request = self._find_file()
        try:
            super().resume_execution(next_method, next_kwargs, context)
        except (AirflowSensorTimeout, TaskDeferralError):
            if not self.poke(context):
                self._give_up(request)

    def _find_file(self) -> RetrainingRequest:
        request = self._read_request()
        try:
            path = to_path(request.dataset)
        except DatasetError as error:  # it could not name a file on any day
            raise InvalidEventError(str(error)) from None
        self.filepath = glob.escape(str(path.absolute()))
        return request

    @staticmethod
    def _give_up(request: RetrainingRequest) -> None:
        hours = request.wait_s / _HOUR_S
        waited = f"{hours:g} hours" if hours >= 1 else f"{request.wait_s} seconds"
        raise DatasetMissingError(f"{request.dataset} did not arrive within {waited}.") from None


def _say_that_none_comes(request: RetrainingRequest) -> PushModelError:
    if request.is_daily:
        return DatasetMissingError(
            f"{request.dataset} does not exist, and {request.run_date} is over, so it is not "
            "waited for. Deliver it, then clear this task: the run continues."
        )
    if request.is_of_form:
        return InvalidEventError(
            f"{request.dataset} does not exist. If the form's path is wrong, start a new run; if "
            "not, deliver the file and clear this task."
        )
    return DatasetMissingError(
        f"{request.dataset} does not exist. Correct PUSH_DATASET or deliver the file, then clear "
        "this task."
    )

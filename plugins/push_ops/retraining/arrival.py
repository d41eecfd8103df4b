"""Wait for the file of a run's dataset, without holding a worker."""

import glob
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSensorTimeout, TaskDeferralError

from push_model.errors import DatasetError, DatasetMissingError, InvalidEventError, PushModelError
from push_model.training.data.files import is_file_uri, to_path
from push_ops.retraining.request import RetrainingRequest

# A look is a stat, but on a network mount each is a request.
_POKE_S = 5
# A shorter wait (a newcomer's, a test's) is not worth the way to the triggerer and back.
_SHORT_WAIT_S = 120
_HOUR_S = 3600


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
        if not is_file_uri(request.dataset):
            return
        is_over = request.run_date < datetime.now(UTC).date()
        if is_over or not request.is_daily:
            if not self.poke(context):
                raise _say_that_none_comes(request)
            return
        self.timeout, self.deferrable = request.wait_s, request.wait_s > _SHORT_WAIT_S
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

"""What does the first task of push_retraining do? It waits for the dataset, on no worker's time."""

import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout

from push_model.errors import DatasetError
from push_model.training.data.files import is_file_uri
from push_ops.data.trigger import DatasetTrigger
from push_ops.data.waiting import Watch, read_patience
from push_ops.retraining.request import RetrainingRequest

logger = logging.getLogger(__name__)

# The trigger gives up by itself; the scheduler does where there is no triggerer to run it.
_GRACE_S = 300.0
_MINUTE_S = 60


class AwaitDataset(BaseOperator):
    """Ends once a run's dataset is there, whole, and nobody writes to it.

    It looks at once, in the worker, and defers only where there is something to wait for.
    """

    ui_color = "#e6f1f2"

    def __init__(self, *, read_request: Callable[[], RetrainingRequest], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._read_request = read_request

    def execute(self, context: Any) -> None:  # noqa: ARG002 - Airflow's signature
        """Check the form, look at the dataset, and wait where it is not whole."""
        request, patience = self._read_request(), read_patience(os.environ)
        watch = Watch(request.dataset, patience.settle_s)
        reason = watch.look() if is_file_uri(request.dataset) else None
        if reason is None:
            logger.info("%s is there to be read.", request.dataset)
            return
        is_over = request.run_date < datetime.now(UTC).date()
        if not watch.is_there() and (is_over or not request.is_daily):
            raise DatasetError(_say_that_none_comes(request))
        # What is there may still come to rest; a file of yesterday that is cut stays cut.
        wait_s = 2 * patience.settle_s if is_over else patience.wait_s
        logger.info("%s %s. Waiting for at most %s.", request.dataset, reason, _words(wait_s))
        self.defer(
            trigger=DatasetTrigger(
                uri=request.dataset, settle_s=patience.settle_s, since=time.time(), wait_s=wait_s
            ),
            timeout=timedelta(seconds=wait_s + _GRACE_S),
            method_name=self.finish.__name__,
        )

    def finish(self, context: Any, event: dict[str, Any]) -> None:  # noqa: ARG002 - as above
        """Go on from what the trigger saw."""
        waited = _words(event["waited_s"])
        if event["reason"]:
            self._look_once_more(f"It was waited for during {waited}.")
        else:
            dataset = self._read_request().dataset
            logger.info("%s is there to be read, after %s.", dataset, waited)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any
    ) -> None:
        """Go on after waiting, even where the trigger never ran or failed."""
        try:
            super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError):
            self._look_once_more("No triggerer has watched it to the end: is one running?")

    def _look_once_more(self, remark: str) -> None:
        """Look from the worker, which may see files that the triggerer has no part in."""
        request, patience = self._read_request(), read_patience(os.environ)
        if reason := Watch(request.dataset, patience.settle_s).look():
            raise DatasetError(
                f"{request.dataset} {reason}. {remark} Ask whoever delivers it; once it is whole, "
                "clear this task, and the run goes on."
            )
        logger.info("%s is there to be read.", request.dataset)


def _say_that_none_comes(request: RetrainingRequest) -> str:
    if request.is_daily:
        return (
            f"{request.dataset} is not there, and {request.run_date} is over, so it is not waited "
            "for. Once it is, clear this task, and the run goes on."
        )
    return f"{request.dataset} does not exist. Check the path."


def _words(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:g} s"
    hours, minutes = divmod(round(seconds / _MINUTE_S), 60)
    return f"{hours} h {minutes} min"

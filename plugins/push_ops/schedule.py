"""Schedule the DAGs of this project: what starts them, what is retried, how an error is logged."""

import sys
from datetime import UTC, date, timedelta
from typing import Any

import structlog
from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    Context,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryRule,
    timezone,
)
from structlog.typing import EventDict

from push_model.errors import PushModelError

# Updated by whatever delivers the feature frame: over the REST API, or as an outlet of a DAG.
FEATURE_FRAME = Asset("push_feature_frame")
# Updated by a run that changed the champion, and by no other.
CHAMPION = Asset("push_champion")

# Airflow's name for who starts a run by `airflow dags test` or `make retrain`.
BY_DAGS_TEST = "dag_test"


class _RetryByKind(ExceptionRetryPolicy):
    """Retry what may pass; a run of `dags test` fails at once.

    It has no scheduler: it would log each second for minutes that nothing can run, while a person
    waits.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Decide by the kind of error, and by who waits."""
        if context and context["dag_run"].triggering_user_name == BY_DAGS_TEST:
            return RetryDecision.fail("a run by `dags test` is not retried; start it again")
        return super().evaluate(exception, try_number, max_tries, context)


# Order matters: a dataset that is not ready is a DatasetError, and a missing file an OSError.
_RETRY_BY_KIND = _RetryByKind(
    rules=[
        RetryRule(
            exception="push_model.errors.DatasetNotReadyError",
            reason="the rest of the dataset may still arrive",
        ),
        RetryRule(
            exception=["push_model.errors.PushModelError", FileNotFoundError, PermissionError],
            action=RetryAction.FAIL,
            reason="a person must fix this; a retry cannot",
        ),
        RetryRule(
            exception=[LookupError, TypeError, ValueError, AttributeError, NameError],
            action=RetryAction.FAIL,
            reason="a mistake in the code fails the next time, too",
        ),
        RetryRule(exception=OSError, reason="disk or network trouble may pass"),
    ]
)


def _shorten_own_errors(_: Context) -> None:
    """Have Airflow log an error of this project without its frames: the message says what to do."""
    processors = structlog.get_config()["processors"]
    if _drop_frames not in processors:
        processors.insert(0, _drop_frames)


def _drop_frames(_logger: object, _level: str, event: EventDict) -> EventDict:
    error = sys.exception()
    if event.get("exc_info") is True and isinstance(error, PushModelError):
        del event["exc_info"]
        event["event"] = f"{event['event']}: {error}"
    return event


TASK_DEFAULTS: dict[str, Any] = {
    "owner": "push",
    "retries": 3,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
    "retry_policy": _RETRY_BY_KIND,
    "pre_execute": _shorten_own_errors,
    "execution_timeout": timedelta(hours=1),
}


def at_or_on_delivery(cron: str) -> AssetOrTimeSchedule:
    """Return a schedule by the clock and by deliveries of the feature frame."""
    # When it is unpaused, the latest run starts at once.
    timetable = CronTriggerTimetable(cron, timezone="UTC", run_immediately=True)
    return AssetOrTimeSchedule(timetable=timetable, assets=FEATURE_FRAME)


def find_run_date(run: Any) -> date:
    """Return the run date of a run of Airflow: its day in UTC, whatever zone Airflow shows.

    A date without a time, as `airflow dags test` takes it, is midnight in Airflow's own zone. East
    of UTC that is still the day before, but the person meant the date.
    """
    moment = run.logical_date or run.run_after  # started by an asset, it may have no date
    day: date = moment.astimezone(UTC).date()
    typed = day + timedelta(days=1)
    is_typed = run.run_type == "manual" and timezone.parse(str(typed)) == moment
    return typed if is_typed else day

"""What is tried again, and what is not? The same for every DAG of this project."""

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

# Order matters: a missing file is an OSError too, and no second try brings it back.
RETRY_BY_KIND = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=["push_model.errors.PushModelError", FileNotFoundError, PermissionError],
            action=RetryAction.FAIL,
            reason="a person must mend this, another try cannot",
        ),
        RetryRule(
            exception=[LookupError, TypeError, ValueError, AttributeError, NameError],
            action=RetryAction.FAIL,
            reason="a mistake in the code is there the next time, too",
        ),
        RetryRule(exception=OSError, reason="disk or network trouble may pass"),
    ]
)

TASK_DEFAULTS: dict[str, Any] = {
    "owner": "push",
    "retries": 3,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
    "retry_policy": RETRY_BY_KIND,
    "execution_timeout": timedelta(hours=1),
}

"""Switch off the log servers that `airflow standalone` starts, and idle lines of `dags test`.

The servers listen on every network interface, ports 8793 and 8794, and no setting changes that.
The page reads the log files itself. Airflow imports this module at its start where it is on the
path; airflow.env puts it there.
"""

import logging
import sys

# `dags test` warns each second that no task can run. Namespace levels do not reach this logger, and
# Airflow resets a level that is set here.
logging.getLogger("airflow.sdk.definitions.dag").addFilter(
    lambda line: line.levelno >= logging.ERROR
)


def _serve_nothing(port: int | None = None) -> None:
    """Replace Airflow's log server."""


# The import takes half a second, and these two commands alone start a log server.
if sys.argv[1:2] in (["scheduler"], ["triggerer"]):
    from airflow.utils import serve_logs

    serve_logs.serve_logs = _serve_nothing

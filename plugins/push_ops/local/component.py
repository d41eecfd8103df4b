"""Which component of Airflow is this process part of? Two on one machine share its name."""

import os
import socket


def name() -> str:
    """Name the component, in place of the machine, where Airflow says who did what.

    Returns
    -------
    str
        Such as ``"worker-1"``; the machine's name where nothing was started by `Startup`.
    """
    return os.environ.get("PUSH_COMPONENT") or socket.gethostname()

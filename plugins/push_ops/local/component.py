"""Which component of Airflow is this process part of? Two on one machine share its name."""

import os
import socket


def name() -> str:
    """Name the component, in place of the machine, where Airflow says who did what."""
    return os.environ.get("PUSH_COMPONENT") or socket.gethostname()

"""Requests of runs by a form that is untouched but for some fields."""

from datetime import date

from push_ops.retraining.form import FORM
from push_ops.retraining.request import read_request

ENVIRON = {
    "PUSH_DATASET": "/data/frame.csv",
    "PUSH_RUNS_DIR": "/srv/runs",
    "PUSH_MODELS_DIR": "/srv/models",
}


def read(environ=None, *, day=date(2021, 3, 4), run_type="manual", triggered_by="ana", **form):
    """Read a form with these changes in an installation with these settings."""
    untouched = {name: field["default"] for name, field in FORM.items()}
    return read_request(
        untouched | form,
        run_id="run",
        run_date=day,
        run_type=run_type,
        triggered_by=triggered_by,
        environ=ENVIRON | (environ or {}),
    )

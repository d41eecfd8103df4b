"""Pictures left out where a test is about something else: they take most of a small training."""

from contextlib import contextmanager

import pytest

PICTURE = "<svg></svg>"


@contextmanager
def undrawn():
    """Leave them out of model cards and reports that this process writes."""
    from push_model.reporting.picture import Picture  # noqa: PLC0415 - serving has no Matplotlib

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "svg", lambda _: PICTURE)
        yield

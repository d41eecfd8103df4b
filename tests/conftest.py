import pytest
from hypothesis import settings

from push_model import age, health_report, limits, prediction, process
from push_model.live_model import LiveModels

# A busy machine is no failing law; how fast things are is measured in benchmarks/.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """Start each test as a process starts: nothing loaded, nothing counted, nothing waited for."""
    live = LiveModels(check_every_s=0.0)
    for module in (process, prediction, health_report):
        monkeypatch.setattr(module, "LIVE_MODELS", live)
    process.TALLY.start()
    limits.limits_of_process.cache_clear()
    age.max_age_days_of_process.cache_clear()
    process.sketches_skew.cache_clear()


@pytest.fixture(scope="module")
def undrawn_cards():
    """Leave the pictures out of model cards: they take most of the time of a small training."""
    from push_model.training.card.chart import Picture  # noqa: PLC0415 - serving has no Matplotlib

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "svg", lambda _: "<svg></svg>")
        yield

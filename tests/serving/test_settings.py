import pytest

from push_model.errors import InvalidSettingError
from push_model.serving.settings import Limits, limits_of_process


def test_without_settings_the_defaults_hold():
    assert limits_of_process() == Limits(128 * 1024**2, 1_000_000, 32)


def test_the_environment_sets_each_limit(monkeypatch):
    monkeypatch.setenv("PUSH_MAX_REQUEST_CHARACTERS", "1000")
    monkeypatch.setenv("PUSH_MAX_CANDIDATES", "20")
    monkeypatch.setenv("PUSH_MAX_NESTING", "")

    assert limits_of_process() == Limits(1000, 20, 32)


@pytest.mark.parametrize("text", ["0", "-1", "1e6", " 7", "many", "9" * 16, "\u0663"])
def test_a_limit_that_is_no_whole_number_is_refused_by_name(monkeypatch, text):
    monkeypatch.setenv("PUSH_MAX_CANDIDATES", text)

    with pytest.raises(InvalidSettingError, match="PUSH_MAX_CANDIDATES must be a whole number"):
        limits_of_process()

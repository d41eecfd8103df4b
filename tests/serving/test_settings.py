import pytest

from push_model.errors import InvalidSettingError
from push_model.serving.settings import Limits, Settings, settings_of_process


def test_without_settings_the_defaults_hold():
    assert Settings.from_environ({}) == Settings(
        Limits(128 * 1024**2, 1_000_000, 32),
        sketches_skew=True,
        max_age_days=70,
        max_age_fault=None,
    )


def test_the_environment_sets_each_setting():
    environ = {
        "PUSH_MAX_REQUEST_CHARACTERS": "1000",
        "PUSH_MAX_CANDIDATES": "20",
        "PUSH_MAX_NESTING": "",
        "PUSH_SKEW_SKETCH": "off",
        "PUSH_MAX_AGE_DAYS": "7",
    }

    assert Settings.from_environ(environ) == Settings(
        Limits(1000, 20, 32), sketches_skew=False, max_age_days=7, max_age_fault=None
    )


@pytest.mark.parametrize("text", ["0", "-1", "1e6", " 7", "many", "9" * 16, "\u0663"])
def test_a_limit_that_is_not_a_whole_number_is_refused_by_name(text):
    with pytest.raises(InvalidSettingError, match="PUSH_MAX_CANDIDATES must be a whole number"):
        Settings.from_environ({"PUSH_MAX_CANDIDATES": text})


def test_the_settings_of_a_process_are_read_once(monkeypatch):
    monkeypatch.setenv("PUSH_MAX_NESTING", "5")
    assert settings_of_process().limits.nesting == 5

    monkeypatch.setenv("PUSH_MAX_NESTING", "6")

    assert settings_of_process().limits.nesting == 5

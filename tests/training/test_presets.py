import json
import re
from pathlib import Path

import pytest

from push_model.errors import InvalidEventError
from push_model.training.final_model import FINAL_MODEL, FINAL_MODEL_WITH_HISTORY, REPORT
from push_model.training.parametrisation import FAMILIES, describe, parse_parametrisation
from push_model.training.presets import PRESETS, read_parametrisation


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_parametrisation_that_keeps_what_it_sets(name):
    preset = PRESETS[name].parametrisation

    assert preset.items() <= describe(parse_parametrisation(preset)).items()
    assert read_parametrisation(name) == parse_parametrisation(preset)


def test_no_two_presets_train_the_same_model():
    assert len({read_parametrisation(name) for name in PRESETS}) == len(PRESETS)


def test_the_final_models_are_those_that_the_report_chose():
    report = Path(__file__).parents[2].joinpath("docs/exploration/report.md").read_text("utf-8")

    (told,) = re.findall(r"```json\n(.*?)```", report, re.DOTALL)

    assert json.loads(told) == {
        "report": REPORT,
        "chosen": FINAL_MODEL_WITH_HISTORY,
        "chosen where requests hold no history": FINAL_MODEL,
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_familys_name_means_its_defaults(family):
    assert read_parametrisation(family) == parse_parametrisation({"model": family})


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(InvalidEventError, match=r"'final_modle'\. Did you mean 'final_model'\?"):
        read_parametrisation("final_modle")

import json

import pytest
from jsonschema import ValidationError, validate

from push_model.training.gate.policy import FORM_LIMITS, Policy
from push_ops.retraining.form import FORM


@pytest.mark.parametrize("name", FORM)
def test_the_untouched_form_keeps_its_own_rules(name):
    validate(FORM[name]["default"], FORM[name])


def test_every_choice_has_a_title():
    for name in ("model", "promotion"):
        assert list(FORM[name]["values_display"]) == FORM[name]["enum"]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("dataset", 7, "7 is not of type 'string', 'null'"),
        ("min_items", 0, "0 is less than the minimum of 1"),
        ("min_items", 1001, "1001 is greater than the maximum of 1000"),
        ("holdout_days", 0, "0 is less than the minimum of 1"),
        ("min_items", "5", "'5' is not of type 'integer'"),
        ("model", "random_forest", "'random_forest' is not one of"),
        ("model_parametrisation", "depth 6", "is not of type 'object', 'null'"),
        ("model_parametrisation", {"model": "svm"}, "'svm' is not one of"),
        ("policy", {"marign": 0.1}, "Additional properties are not allowed"),
        ("policy", {"margin": 1}, "1 is greater than or equal to the maximum of 1"),
        ("policy", {"resamples": 500}, "Additional properties are not allowed"),
        ("policy", {"max_age_days": 0.5}, "0.5 is not of type 'integer'"),
        ("policy", "strict", "is not of type 'object', 'null'"),
        ("promotion", "ask", "'ask' is not one of"),
    ],
)
def test_the_form_refuses_what_its_schema_can_refuse(name, value, complaint):
    with pytest.raises(ValidationError, match=complaint):
        validate(value, FORM[name])


def test_promotion_is_the_second_field_and_what_takes_json_is_in_a_section_of_its_own():
    taking_json = {name for name, field in FORM.items() if "object" in field["type"]}

    assert list(FORM)[:2] == ["dataset", "promotion"]
    assert {name for name, field in FORM.items() if "section" in field} == taking_json
    assert list(FORM)[-2:] == ["model_parametrisation", "policy"]


def test_the_form_is_json_as_it_stands():
    assert json.loads(json.dumps(FORM)) == FORM


def test_the_form_takes_the_three_limits_that_people_change():
    limits = {name: getattr(Policy(), name) for name in FORM_LIMITS}

    validate(limits | {"max_age_days": 70}, FORM["policy"])

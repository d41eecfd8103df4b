import json
from pathlib import Path

import pytest

from push_model.errors import InvalidEventError
from push_model.training.gate.policy import FORM_LIMITS, Policy, read_policy, read_policy_file

PAGE = (Path(__file__).parents[3] / "docs" / "gate-statistics.md").read_text("utf-8")


def test_the_page_lists_each_limit_with_its_default_and_its_reason():
    listed = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert listed == [
        f"| `{name}` | {field.default:g} | {field.description} |"
        for name, field in Policy.model_fields.items()
    ]


def test_the_form_shows_limits_of_the_policy():
    assert set(FORM_LIMITS) < set(Policy.model_fields)


def test_what_is_left_out_keeps_its_default():
    assert read_policy({"margin": 0}).margin == 0.0
    assert read_policy({"margin": 0}).alpha == Policy().alpha


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"marign": 0.1}, "policy has unknown key 'marign'. Did you mean 'margin'?"),
        ({"margin": 1}, r'policy\["margin"\] must be < 1, got 1'),
        ({"alpha": 0}, r'policy\["alpha"\] must be > 0, got 0'),
        ({"resamples": 1e3}, "must be a whole number, got 1000.0"),
        ({"max_psi": "2"}, "must be a number, got '2'"),
        ([], "policy must be an object such as .*, got list"),
    ],
)
def test_what_is_not_a_limit_is_refused_by_name(document, message):
    with pytest.raises(InvalidEventError, match=message):
        read_policy(document)


@pytest.mark.parametrize(
    ("name", "text"), [("policy.json", '{"margin": 0.02}'), ("policy.toml", "margin = 0.02")]
)
def test_a_file_replaces_limits_in_json_or_toml(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    assert read_policy_file(tmp_path / name) == {"margin": 0.02}


@pytest.mark.parametrize("text", ["{", json.dumps({"marign": 1}), json.dumps([1])])
def test_a_file_that_is_not_a_policy_is_refused_by_name(tmp_path, text):
    (tmp_path / "policy.json").write_text(text)

    with pytest.raises(InvalidEventError, match=r"policy\.json"):
        read_policy_file(tmp_path / "policy.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidEventError, match=r"none\.json cannot be read"):
        read_policy_file(tmp_path / "none.json")

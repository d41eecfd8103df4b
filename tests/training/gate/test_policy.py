import json
from dataclasses import fields

import pytest

from push_model.errors import InvalidEventError
from push_model.training.gate.policy import Policy, read_policy, read_policy_file


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_every_limit_has_its_reason(field):
    assert field.metadata["reason"].endswith((".", "does."))
    assert len(field.metadata["reason"]) > 20


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
def test_what_is_no_limit_is_refused_by_name(document, message):
    with pytest.raises(InvalidEventError, match=message):
        read_policy(document)


@pytest.mark.parametrize(
    ("name", "text"), [("policy.json", '{"margin": 0.02}'), ("policy.toml", "margin = 0.02")]
)
def test_a_file_overrides_in_json_or_toml(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    assert read_policy_file(tmp_path / name) == {"margin": 0.02}


@pytest.mark.parametrize("text", ["{", json.dumps({"marign": 1}), json.dumps([1])])
def test_a_file_that_is_no_policy_is_refused_by_name(tmp_path, text):
    (tmp_path / "policy.json").write_text(text)

    with pytest.raises(InvalidEventError, match=r"policy\.json"):
        read_policy_file(tmp_path / "policy.json")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidEventError, match=r"none\.json cannot be read"):
        read_policy_file(tmp_path / "none.json")

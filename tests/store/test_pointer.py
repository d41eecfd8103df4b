import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.errors import InvalidEventError, ModelIntegrityError
from push_model.store.pointer import champion, model_path
from push_model.testing import make_model
from tests.stores import NOT_NAMES

POINTERS = [
    b"",
    b"{}",
    b"[]",
    b"\xff",
    b'"a"',
    b"[" * 100_000,
    b'{"model_name": 1, "promoted_at": "", "by": ""}',
    b'{"model_name": "../a", "promoted_at": "", "by": ""}',
    b'{"model_name": "champion.json", "promoted_at": "", "by": ""}',
]


@pytest.mark.parametrize("content", POINTERS)
def test_a_damaged_pointer_is_said_to_be_damaged(tmp_path, content):
    (tmp_path / "champion.json").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match=r"^The store's champion\.json does not name"):
        champion(tmp_path)


ODD = [0, -1, True, 1.5, "1", None, []]


@pytest.mark.parametrize("value", ODD)
def test_a_pointer_serves_whatever_it_holds_beside_the_name_time_and_person(tmp_path, value):
    odd = {"line": value, "from": 1, "kind": 2, "reason": None}
    pointer = {"model_name": "a", "promoted_at": "", "by": ""} | odd
    (tmp_path / "champion.json").write_text(json.dumps(pointer))

    assert champion(tmp_path) == ("a", "", "", None, "unknown", None, "", None)


@pytest.mark.parametrize("name", [*NOT_NAMES, None, 1, b"a", ["a"]])
def test_a_name_that_is_not_a_plain_name_is_refused(tmp_path, name):
    with pytest.raises(InvalidEventError, match=r"letters, digits, '_' or '-', .* never a path"):
        model_path(tmp_path, name)


@settings(deadline=None)
@given(st.text(max_size=8))
def test_no_text_leads_out_of_the_store(tmp_path_factory, name):
    models = tmp_path_factory.getbasetemp()
    try:
        path = model_path(models, name)
    except InvalidEventError:
        return

    assert os.path.normpath(path) == str(models / name)


def test_a_link_inside_the_store_is_followed_and_one_out_of_it_refused(tmp_path):
    models = tmp_path / "models"
    make_model(models, "a", promoted=False)
    (models / "latest").symlink_to("a")
    (models / "out").symlink_to(tmp_path)

    assert model_path(models, "latest").name == "latest"
    with pytest.raises(InvalidEventError, match="'out' is a link that leads out of the store"):
        model_path(models, "out")

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_ops.retraining.run_folder import find_run_folder, read_json, write_json

RUNS = Path("runs")


@given(run_id=st.text())
def test_any_run_id_names_one_plain_folder(run_id):
    path = find_run_folder(RUNS, run_id).path

    assert path.parent == RUNS
    assert re.fullmatch(r"[A-Za-z0-9_-]*\.[0-9a-f]{8}", path.name)
    assert len(path.name) < 200


@given(one=st.text(), other=st.text())
def test_two_runs_never_share_a_folder(one, other):
    same = find_run_folder(RUNS, one) == find_run_folder(RUNS, other)

    assert same == (one == other)


def test_runs_that_differ_in_signs_alone_keep_apart():
    assert find_run_folder(RUNS, "a:b") != find_run_folder(RUNS, "a+b")


def test_a_document_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "new" / "verdict.json"

    write_json(path, {"reasons": ["größer"], "value": 0.1})

    assert read_json(path) == {"reasons": ["größer"], "value": 0.1}


def test_a_document_can_be_read_by_other_users_of_the_machine(tmp_path):
    write_json(tmp_path / "verdict.json", {})

    assert (tmp_path / "verdict.json").stat().st_mode & stat.S_IRGRP


def test_a_document_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "latest.json"
    write_json(path, {"run_folder": "old"})

    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"run_folder": float("nan")})

    assert json.loads(path.read_text()) == {"run_folder": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_rename_that_fails_leaves_nothing_aside(tmp_path):
    taken = tmp_path / "latest.json"
    taken.mkdir()

    with pytest.raises(OSError, match="directory"):
        write_json(taken, {})

    assert list(tmp_path.iterdir()) == [taken]

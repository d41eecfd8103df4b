import pytest

from push_model.errors import DatasetError
from push_model.exploration.folder import open_exploration


def test_an_unknown_entry_is_refused(explored):
    with pytest.raises(DatasetError, match=r"has no entry 'nobody'\. Plan the exploration again"):
        open_exploration(explored).find("nobody")


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"exploration\.json cannot be read"):
        open_exploration(tmp_path)


def test_rows_that_changed_after_they_were_written_are_refused(started):
    exploration = open_exploration(started)
    frame = {**exploration.facts["frame"], "sha256": "another"}
    changed = type(exploration)(started, {**exploration.facts, "frame": frame})

    with pytest.raises(DatasetError, match=r"large_orders\.parquet changed after it was written"):
        changed.read_rows()


def test_rows_are_read_once_a_process(started):
    exploration = open_exploration(started)

    assert exploration.read_rows() is exploration.read_rows()

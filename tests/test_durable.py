import os

import pytest

from push_model import durable
from push_model.durable import read_whole, write_aside, write_folder


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "pointer.json"
    path.write_bytes(b"old and longer")

    write_aside(path, b"new")

    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == {"pointer.json"}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "pointer.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(durable.os, "fsync", fail)

    with pytest.raises(OSError, match="No space left"):
        write_aside(path, b"new")

    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == {"pointer.json"}


def test_a_full_disk_leaves_no_part_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(durable.os, "fsync", fail)

    with pytest.raises(OSError, match="No space left"):
        write_folder(tmp_path / "model", {"a": b"1", "b": b"2"})

    assert names_in(tmp_path) == set()


def test_a_folder_another_writer_made_meanwhile_is_left_alone(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "a").write_bytes(b"theirs")

    is_written = write_folder(target, {"a": b"ours"})

    assert not is_written
    assert (target / "a").read_bytes() == b"theirs"
    assert names_in(tmp_path) == {"model"}


def test_a_file_is_read_up_to_the_limit_and_no_further(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")

    assert read_whole(path, most_bytes=5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_whole(path, most_bytes=4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_in_place_of_a_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "file")

    with pytest.raises(OSError, match="not a regular file"):
        read_whole(tmp_path / "file", most_bytes=5)

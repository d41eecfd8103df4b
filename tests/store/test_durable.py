import errno
import os
import stat

import pytest

from push_model.store import durable
from push_model.store.durable import (
    _sync_folder,
    append_line,
    is_aside,
    read_json,
    read_whole,
    remove_folder,
    replacing,
    write_aside,
    write_folder,
    write_json,
)
from tests.stores import names_in


def fail(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "pointer.json"
    path.write_bytes(b"old and longer")

    write_aside(path, b"new")

    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == {"pointer.json"}


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


def test_a_disk_that_takes_a_part_of_a_write_is_given_the_rest(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(durable.os, "write", lambda file, content: write(file, content[:3]))

    write_aside(tmp_path / "file", b"0123456789")

    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_lines_are_added_to_whole_lines_and_to_a_half_one(tmp_path):
    path = tmp_path / "log"

    append_line(path, b"1")
    append_line(path, b"2")
    path.write_bytes(path.read_bytes() + b"ha")
    append_line(path, b"3")

    assert path.read_bytes() == b"1\n2\nha\n3\n"


def test_a_json_file_is_read_as_it_was_written_and_its_folder_is_made(tmp_path):
    path = tmp_path / "run" / "verdict.json"
    document = {"b": [1, 0.1, None], "a": "æ"}

    write_json(path, document)

    assert read_json(path) == document
    assert path.read_bytes().decode().splitlines()[-2:] == ['  "a": "æ"', "}"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == document


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_not_json_is_refused_in_one_way(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(ValueError, match="not JSON: "):
        read_json(tmp_path / "file")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_only_a_folder_whose_disk_syncs_no_folders_need_not_be_synced(tmp_path, monkeypatch, code):
    def refuse(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(durable.os, "fsync", refuse)

    _sync_folder(tmp_path)
    with pytest.raises(OSError, match=os.strerror(code)):
        write_aside(tmp_path / "file", b"")  # of a file it is one
    monkeypatch.setattr(durable.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        _sync_folder(tmp_path)


def test_a_folder_is_removed_with_all_that_lies_in_it(tmp_path):
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch()

    remove_folder(folder)

    assert names_in(tmp_path) == set()


def test_a_folder_that_cannot_be_emptied_loses_its_name_all_the_same(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "file").touch()
    monkeypatch.setattr(durable.os, "unlink", fail)

    with pytest.raises(OSError, match="No space left"):
        remove_folder(folder)

    (left,) = names_in(tmp_path)
    assert is_aside(left, gone=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model", (False, False)),
        (".model", (False, False)),
        (".model.1", (False, False)),
        (".model.1-0badcafe.old", (False, False)),
        ("model.1-0badcafe", (False, False)),
        (".model.1-0BADCAFE", (False, False)),
        (".model.1-0badcafe", (True, False)),
        (".model.1-0badcafe.gone", (True, True)),
    ],
)
def test_only_what_was_written_or_moved_aside_is_aside(name, expected):
    assert (is_aside(name), is_aside(name, gone=True)) == expected


def replace_file(path):
    with replacing(path) as aside:
        aside.touch()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path, _: write_aside(path, b"1"), ["file, not there", "folder, there"]),
        (lambda path, _: replace_file(path), ["file, not there", "folder, there"]),
        (lambda path, _: append_line(path, b"1"), ["file, there", "folder, there"]),
        (
            lambda path, _: write_folder(path, {"a": b"1"}),
            ["file, not there", "folder, not there", "folder, there"],
        ),
        (lambda _, other: remove_folder(other.parent), ["folder, not there"]),
    ],
)
def test_content_is_synced_before_it_gets_its_name_and_the_name_afterwards(
    tmp_path, monkeypatch, change, expected
):
    path, other = tmp_path / "path", tmp_path / "folder" / "other"
    other.parent.mkdir()
    other.touch()
    seen = []

    def note(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append(f"{kind}, {'there' if path.exists() else 'not there'}")

    monkeypatch.setattr(durable.os, "fsync", note)
    change(path, other)

    assert seen == expected

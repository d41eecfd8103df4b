import gzip
import os

import pytest

from push_model.errors import DatasetError, DatasetNotReadyError
from push_model.training.data.files import take_snapshot
from push_model.training.data.frames import write_parquet
from push_model.training.data.wholeness import _fault_of_csv, find_fault, refusing_change
from tests.frames import make_frame

FRAME = make_frame(orders=12, seed=0)
CSV = FRAME.to_csv(index=False).encode()
WHOLE = [
    ("frame.csv", CSV),
    ("windows.csv", CSV.replace(b"\n", b"\r\n")),
    ("frame.csv.gz", gzip.compress(CSV)),
    ("quoted.csv", b'a,b\n1,"one, two"\n2,"three\nfour, ""five"""\n'),
    ("separators.csv", "a,b\n1,one\u2028two\x0bthree\n".encode()),
    ("marked.csv", b"\xef\xbb\xbfa,b\n1,2\n"),
    ("long.csv", b"a,b\n" + b"1,2\n" * 100_000),
    ("long.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)),
    ("old_mac.csv", CSV.replace(b"\n", b"\r")),
    ("mixed.csv", CSV.replace(b"\n", b"\r\n", 3)),
    ("blank.csv", CSV + b"\n\r\n"),
    ("inches.csv", b'a,b\n1,12" pan\n'),
    ("inches_before.csv", b'a,b\n1,12" pan\n2,"one\ntwo"\n'),
    ("long_value.csv", b"a,b\n" * 70_000 + b'1,"' + b"x" * 70_000 + b'"\n'),
    ("inside_quotes.csv", b'a,b\n1,"' + b'one, ""two""\n' * 10_000 + b'"\n' + b"3,4\n" * 40_000),
    # Reading it says in which line.
    ("long_row.csv", b"a,b\n1,2\n3,4,5\n"),
]
CUT = [
    ("empty.csv", b"", "is empty"),
    ("cut.csv", CSV[:-20], "has no line end after its last line"),
    ("one_byte_short.csv", CSV[:-1], "has no line end after its last line"),
    ("short_row.csv", b"a,b\n1,2\n3\n", "has 1 values in its last line where its header names 2"),
    ("quoted.csv", b'a,b\n1,"one\n', "ends inside quotes: it is cut short"),
    ("inches.csv", b'a,b\n1,12" pan\n2,"one\n', "ends inside quotes: it is cut short"),
    ("many.csv", b"a,b\n" * 70_000 + b'2,"one\n', "ends inside quotes: it is cut short"),
    ("cut.csv.gz", gzip.compress(CSV)[:-9], "is cut short, or was never gzip"),
    ("plain.csv.gz", CSV, "is cut short, or was never gzip"),
    ("damaged.csv.gz", gzip.compress(CSV)[:-8] + b"\0" * 8, "is cut short, or was never gzip"),
    ("whole.csv.gz", gzip.compress(CSV[:-20]), "has no line end after its last line"),
    ("cut.parquet", b"PAR1 and some pages", "has no Parquet footer"),
    ("tiny.parquet", b"PAR1", "has no Parquet footer"),
    ("lying.parquet", b"PAR1\xff\xff\xff\x00PAR1", "has no Parquet footer"),
]


@pytest.mark.parametrize(("name", "content"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_whole_file_has_no_fault(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    assert find_fault(take_snapshot(str(tmp_path / name))) is None


@pytest.mark.parametrize(("name", "content", "fault"), CUT, ids=[name for name, *_ in CUT])
def test_a_file_that_is_cut_short_has_one(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)

    assert fault in find_fault(take_snapshot(str(tmp_path / name)))


def test_a_csv_cut_anywhere_but_at_a_line_end_is_found_out():
    text = b'a,b\n1,2\n3,"x,\ny"\n'
    whole = [b"a,b\n", b"a,b\n1,2\n", text]

    for length in range(1, len(text) + 1):
        start = text[:length]
        assert (_fault_of_csv(start, start) is None) == (start in whole), start


def test_a_parquet_file_is_whole_only_with_its_last_byte(tmp_path):
    path = tmp_path / "frame.parquet"
    write_parquet(FRAME, path, facts={})
    whole = path.read_bytes()

    assert find_fault(take_snapshot(path.as_uri())) is None
    path.write_bytes(whole[:-1])
    assert find_fault(take_snapshot(path.as_uri())) == "has no Parquet footer: it is cut short"


def test_a_folder_is_whole_when_its_parts_are(tmp_path):
    write_parquet(FRAME, tmp_path / "part-0.parquet", facts={})
    assert find_fault(take_snapshot(str(tmp_path))) is None

    (tmp_path / "part-1.parquet").write_bytes(b"PAR1")
    assert find_fault(take_snapshot(str(tmp_path))).startswith(
        "holds part-1.parquet, which has no Parquet footer"
    )


UNFINISHED = [
    *("_temporary/", ".spark-staging-9f/", ".hive-staging_hive_2021/", "_staging/", ".tmp/"),
    *("part-1.parquet._COPYING_", ".part-0-0.inprogress.4f", "part-1.parquet.tmp"),
    *("part-1.parquet.part", "part-1.parquet.filepart"),
]


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_folder_that_is_still_written_to_is_not_whole(tmp_path, name):
    write_parquet(FRAME, tmp_path / "part-0.parquet", facts={})
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(b"PAR1")

    snapshot = take_snapshot(str(tmp_path))

    assert find_fault(snapshot) == f"is still being written: it holds {name.rstrip('/')}"
    assert [file.path.name for file in snapshot.files] == ["part-0.parquet"]


def append(path):
    with path.open("ab") as file:
        file.write(b"3,4\n")


def replace(path):
    """As whole a file, as long and as old."""
    status, other = path.stat(), path.with_suffix(".new")
    other.write_bytes(b"9" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def touch(path):
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(0, 0))


def rewrite(path):
    """As whole a file, as long, as old and in the same place."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # its clock may be a coarse one
        path.write_bytes(b"9" * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [append, replace, rewrite, touch, os.remove], ids=lambda it: it.__name__
)
def test_a_change_while_reading_is_an_error_that_may_pass(tmp_path, change):
    path = tmp_path / "frame.csv"
    path.write_bytes(b"a,b\n1,2\n")

    with (
        pytest.raises(
            DatasetNotReadyError, match=r"frame\.csv was written to or replaced while it was read"
        ),
        refusing_change(take_snapshot(str(path))),
    ):
        change(path)


def test_a_link_that_moves_while_its_file_is_read_does_not_matter(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "frame.csv").write_bytes(b"a,b\n1,2\n")
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "one")
    snapshot = take_snapshot(str(link / "frame.csv"))

    with refusing_change(snapshot):
        link.unlink()
        link.symlink_to(tmp_path / "two")

    assert snapshot.root == tmp_path / "one" / "frame.csv"


def test_a_file_whose_name_begins_with_a_tilde_is_unchanged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~frame.csv").write_bytes(b"a,b\n1,2\n")

    with refusing_change(take_snapshot("./~frame.csv")):
        pass


def test_data_found_bad_in_a_file_that_changed_may_be_good_next_time(tmp_path):
    path = tmp_path / "frame.csv"
    path.write_bytes(b"a,b\n1,2\n")

    def read_half_and_half():
        with refusing_change(take_snapshot(str(path))):
            append(path)
            raise DatasetError("half of one, half of another")

    with pytest.raises(DatasetNotReadyError, match="another try reads it"):
        read_half_and_half()


def test_bad_data_in_an_untouched_file_stays_bad(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    snapshot = take_snapshot(str(tmp_path / "a.csv"))

    with pytest.raises(DatasetError, match="truly bad"), refusing_change(snapshot):
        raise DatasetError("truly bad")


def test_an_untouched_file_is_read(tmp_path):
    (tmp_path / "frame.csv").write_bytes(b"a,b\n1,2\n")

    with refusing_change(take_snapshot(str(tmp_path / "frame.csv"))):
        read = (tmp_path / "frame.csv").read_bytes()

    assert read == b"a,b\n1,2\n"

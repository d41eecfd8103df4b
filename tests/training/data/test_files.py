import hashlib
import os

import duckdb
import pyarrow.parquet as pq
import pytest

from push_model.errors import DatasetError
from push_model.training.data.files import (
    DatasetFacts,
    _read_facts,
    describe_dataset,
    take_snapshot,
    to_pattern,
)


def write_plain_parquet(path, *, value: int):
    duckdb.connect().sql(f"SELECT {value} AS x").write_parquet(str(path))
    return path


def test_the_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "frame.csv"
    path.write_bytes(b"order_id\n1\n")

    facts = describe_dataset(str(path))

    assert facts == DatasetFacts(str(path), hashlib.sha256(b"order_id\n1\n").hexdigest(), 11)


def test_a_parquet_file_from_elsewhere_is_described_by_its_own_bytes(tmp_path):
    path = write_plain_parquet(tmp_path / "frame.parquet", value=1)

    facts = describe_dataset(path.as_uri())

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts == DatasetFacts(path.as_uri(), digest, path.stat().st_size)


def write_noted(path, **facts):
    noted = ", ".join(f"'push_model.{name}': {fact}" for name, fact in facts.items())
    duckdb.sql(f"COPY (SELECT 1 AS x) TO '{path}' (FORMAT parquet, KV_METADATA {{{noted}}})")


def test_what_another_writer_copied_from_the_metadata_of_ours_is_not_believed(tmp_path):
    path = tmp_path / "frame.parquet"
    write_noted(path, uri="'other.csv'", sha256="'9f2c'", bytes="'12'")
    assert describe_dataset(str(path)) == DatasetFacts("other.csv", "9f2c", 12)

    pq.write_table(pq.read_table(path), path)

    assert describe_dataset(str(path)).uri == str(path)


@pytest.mark.parametrize("size", ["'abc'", "'-1'", "'²'", r"'\xFF'::BLOB"])
def test_a_noted_size_that_is_not_one_is_not_believed(tmp_path, size):
    path = tmp_path / "frame.parquet"
    write_noted(path, uri="'other.csv'", bytes=size)

    assert describe_dataset(str(path)).bytes == path.stat().st_size


def test_a_link_may_name_the_kind_of_a_file_that_is_called_by_its_digest(tmp_path):
    (tmp_path / "9f2c").write_bytes(b"a\n1\n")
    (tmp_path / "frame.csv").symlink_to(tmp_path / "9f2c")

    assert take_snapshot(str(tmp_path / "frame.csv")).root == tmp_path / "frame.csv"


@pytest.mark.parametrize("inside", [True, False])
def test_a_name_that_is_not_in_utf_8_is_refused(tmp_path, inside):
    name = os.fsdecode(b"M\xfcller.parquet")
    write_plain_parquet(tmp_path / "a.parquet", value=1).rename(tmp_path / name)

    with pytest.raises(DatasetError, match=r"udcfcller\.parquet' is not in UTF-8\. Rename it\.$"):
        take_snapshot(str(tmp_path if inside else tmp_path / name))


def test_a_path_is_resolved_before_it_becomes_a_pattern(tmp_path):
    (tmp_path / "v [2]").mkdir()
    path = write_plain_parquet(tmp_path / "v [2]" / "frame.parquet", value=1)

    assert take_snapshot(f"{path.parent}/../v [2]/frame.parquet").root == path


def test_a_path_that_no_pattern_can_name_is_refused(tmp_path):
    assert to_pattern(tmp_path / "a\\b.parquet") == str(tmp_path / "a\\b.parquet")

    with pytest.raises(DatasetError, match="has a backslash and one of"):
        to_pattern(tmp_path / "a\\b[1].parquet")


def test_the_digest_of_a_folder_does_not_depend_on_where_it_is(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_plain_parquet(tmp_path / name / "a.parquet", value=1)
        write_plain_parquet(tmp_path / name / "b.parquet", value=2)

    here, there = (describe_dataset(str(tmp_path / name)) for name in ("here", "there"))

    assert here.sha256 == there.sha256
    assert here.bytes == there.bytes


@pytest.mark.parametrize("change", ["content", "name"])
def test_the_digest_of_a_folder_moves_with_its_parts(tmp_path, change):
    part = write_plain_parquet(tmp_path / "a.parquet", value=1)
    before = describe_dataset(str(tmp_path)).sha256

    if change == "name":
        part.rename(tmp_path / "b.parquet")
    else:
        write_plain_parquet(part, value=2)

    assert describe_dataset(str(tmp_path)).sha256 != before


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"nothing\.csv does not exist\. Check the path\.$"):
        describe_dataset(str(tmp_path / "nothing.csv"))


def test_a_broken_parquet_file_remembers_nothing(tmp_path):
    path = tmp_path / "frame.parquet"
    path.write_bytes(b"PAR1 no more")

    assert _read_facts(path) == {}


def test_facts_that_are_not_known_are_not_written_down():
    assert DatasetFacts("memory://1", None, None).metadata() == {"uri": "memory://1"}


def test_a_manifest_says_what_is_not_known():
    assert DatasetFacts("memory://1", None, None).document() == {
        "uri": "memory://1",
        "sha256": None,
        "bytes": None,
    }

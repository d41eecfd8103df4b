import hashlib

import duckdb
import pytest

from push_model.errors import DatasetError
from push_model.training.data.files import DatasetFacts, _read_facts, describe_dataset


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

import errno
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from push_model.columns import DELIVERED
from push_model.training.data import delivery
from tests.frames import make_frame

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = DOCS / "schemas" / "check.schema.json"
PAGE = (DOCS / "datasets.md").read_text("utf-8")
CONTENTS = {
    "rows": 240,
    "first_day": "2020-10-05",
    "last_day": "2020-10-10",
    "days": 6,
    "orders": 12,
    "users": 4,
}
COUNTED = ["files", *CONTENTS, "large_orders"]


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "feature frame.csv"
    make_frame(orders=12).to_csv(path, index=False)
    return path


@pytest.fixture
def check_as_json(run):
    """Run `check --json`, and hold what it prints against the schema."""

    def check(*arguments):
        code, out, err = run("check", *arguments, "--json")
        found = json.loads(out)
        Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(found)
        assert (code, err) == (0 if found["accepted"] else 1, "")
        return found

    return check


def count_large_orders(least):
    return int((make_frame(orders=12).groupby("order_id")["outcome"].sum() >= least).sum())


def test_a_good_dataset_is_accepted_with_what_it_holds(run, dataset):
    code, out, err = run("check", dataset)

    assert (code, err) == (0, "")
    assert f"can load {dataset}." in out
    for what, figure in {
        "files": f"1, {dataset.stat().st_size / 1000:.1f} kB",
        "rows": "240",
        "days": "6, from 2020-10-05 to 2020-10-10",
        "users": "4",
        "orders": "12",
        "large orders": f"{count_large_orders(5)} with at least 5 items bought",
    }.items():
        assert re.search(rf"^  {what} +{re.escape(figure)}$", out, re.MULTILINE)


def test_a_program_reads_the_same_as_json(check_as_json, dataset):
    found = check_as_json(dataset, "--min-items", 6)

    assert found == {
        "dataset": str(dataset),
        "accepted": True,
        "files": [{"name": str(dataset), "bytes": dataset.stat().st_size}],
        **CONTENTS,
        "large_orders": count_large_orders(6),
        "error": None,
    }


def test_the_parts_of_a_folder_are_listed_and_what_is_no_data_is_not(run, check_as_json, tmp_path):
    frame = make_frame(orders=12)
    for day, rows in frame.groupby("order_date"):
        part = tmp_path / "frame" / f"day={day:%Y-%m-%d}" / "part.parquet"
        part.parent.mkdir(parents=True)
        rows.to_parquet(part)
    (tmp_path / "frame" / "_SUCCESS").touch()

    found = check_as_json(tmp_path / "frame")
    _, out, _ = run("check", tmp_path / "frame")

    assert {name: found[name] for name in CONTENTS} == CONTENTS
    assert [file["name"] for file in found["files"]] == [
        f"day=2020-10-{day:02}/part.parquet" for day in range(5, 11)
    ]
    assert re.search(r"files +6, .*: day=2020-10-05/part.parquet, .* and 1 more\n", out)


def test_no_later_row_is_counted(check_as_json, dataset):
    found = check_as_json(dataset, "--until", "2020-10-06")

    assert (found["rows"], found["last_day"], found["orders"]) == (80, "2020-10-06", 4)


def test_a_dataset_without_large_orders_says_which_task_will_fail(run, dataset):
    code, out, _ = run("check", dataset, "--min-items", 1000)

    assert code == 0
    assert "0 with at least 1000 items bought\nIts task filter will fail" in out


def spoil_rows(path):
    frame = make_frame(orders=12).astype({"discount_pct": object})
    frame.loc[:6, "discount_pct"] = "a canary"
    frame.loc[3, "days_since_purchase_variant_id"] = -1
    frame.to_csv(path, index=False)


def cut(path):
    path.write_text(path.read_text()[:-9])


def drop_user(path):
    make_frame(orders=12).drop(columns="user_id").to_csv(path, index=False)


def to_utf_16(path):
    path.write_text(path.read_text(), encoding="utf-16")


REFUSED = {
    "broken rules": (spoil_rows, "SchemaError", False, "breaks the schema in 2 ways"),
    "a cut file": (cut, "DatasetNotReadyError", True, "cut short"),
    "a column less": (drop_user, "MissingColumnsError", False, "'user_id' is missing"),
    "UTF-16": (to_utf_16, "DatasetError", False, "is not in UTF-8"),
    "no file": (Path.unlink, "DatasetError", False, "does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_its_reason_for_people_and_for_programs(run, check_as_json, dataset, case):
    spoil, kind, may_pass_later, message = REFUSED[case]
    spoil(dataset)

    code, out, err = run("check", dataset)
    found = check_as_json(dataset)

    assert (code, out) == (1, "")
    assert message in err
    assert found["error"]["message"] in err
    assert (found["error"]["kind"], found["error"]["may_pass_later"]) == (kind, may_pass_later)
    assert [found[name] for name in COUNTED] == [None] * len(COUNTED)
    assert "a canary" not in f"{err}{found}"


DISK = {
    "full": (OSError("its rows cannot be written: disk trouble."), True, "disk trouble"),
    "full, by name": (
        OSError(errno.ENOSPC, "No space left", "a.parquet"),
        True,
        "left at a.parquet.",
    ),
    "forbidden": (
        PermissionError(errno.EACCES, "Denied", "a.csv"),
        False,
        "read or written by ada",
    ),
    "gone": (FileNotFoundError(errno.ENOENT, "No such file", "a.csv"), False, "file at a.csv."),
}


@pytest.mark.parametrize("case", DISK)
def test_what_the_disk_refuses_is_a_sentence(run, check_as_json, dataset, case, monkeypatch):
    error, may_pass_later, message = DISK[case]

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(delivery, "write_checked", refuse)

    found = check_as_json(dataset)["error"]

    assert message in found["message"]
    assert found["may_pass_later"] is may_pass_later
    for command in ("check", "fit"):
        code, out, err = run(command, dataset)
        assert (code, out) == (1, "")
        assert found["message"] in err
        assert "Traceback" not in err


def test_each_broken_rule_is_listed_with_its_rows(check_as_json, dataset):
    spoil_rows(dataset)

    assert check_as_json(dataset)["error"]["broken_rules"] == [
        {
            "column": "discount_pct",
            "rule": "must be a number, is text",
            "rows": 7,
            "first_rows": ["1", "2", "3", "4", "5"],
        },
        {
            "column": "days_since_purchase_variant_id",
            "rule": "must be >= 0",
            "rows": 1,
            "first_rows": ["4"],
        },
    ]


def part(path, frame):
    path.parent.mkdir(exist_ok=True)
    frame.to_parquet(path)
    return path.parent


def one_part(path):
    return part(path.with_suffix("") / "part-0.parquet", make_frame(orders=2))


def with_empty(path, name):
    (one_part(path) / name).touch()
    return path.with_suffix("")


def with_table_log(path):
    (one_part(path) / "_delta_log").mkdir()
    return path.with_suffix("")


def with_other_part(path):
    frame = make_frame(orders=2).drop(columns="vendor")
    return part(one_part(path) / "part-1.parquet", frame)


def rewrite(path, change):
    path.write_text(change(path.read_text()))
    return path


# What the page quotes, and how a dataset comes to be refused so.
QUOTED = {
    "does not exist": lambda path: path.with_name("absent.csv"),
    "is still being written": lambda path: with_empty(path, "_temporary"),
    "cut short": lambda path: rewrite(path, lambda text: text.rpartition(",")[0] + "\n"),
    "has no line end after its last line": lambda path: rewrite(path, lambda text: text[:-1]),
    "A folder must hold Parquet parts alone": lambda path: with_empty(path, "part-1.csv"),
    "is a Delta table": with_table_log,
    "which other parts have": with_other_part,
    "separates its columns with semicolons": lambda path: rewrite(
        path, lambda text: text.replace(",", ";")
    ),
    "where its header names 27": lambda path: rewrite(
        path, lambda text: text.replace("vendor3", "vendor, and 3", 1)
    ),
    "No orders on or before": lambda path: path,
}


def test_columns_that_no_run_reads_may_be_absent(check_as_json, dataset):
    make_frame(orders=12)[[*DELIVERED]].to_csv(dataset, index=False)

    assert check_as_json(dataset)["accepted"]


def test_a_wrong_command_is_not_a_refused_dataset(run, dataset):
    code, out, err = run("check", dataset, "--until", "4.3.2021")

    assert (code, out) == (2, "")
    assert "--until must be" in err


def test_progress_is_shown_to_people_and_apart_from_the_outcome(run, dataset, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")

    _, out, err = run("check", dataset, "--json")
    spoil_rows(dataset)
    _, _, of_fit = run("fit", dataset)

    assert json.loads(out)["accepted"]
    bar = "Reading \N{ESCAPE}[90m\N{BOX DRAWINGS HEAVY HORIZONTAL}"
    assert bar in err
    assert bar in of_fit


def test_the_page_quotes_the_refusals_of_this_table():
    (table,) = re.findall(r"^\| it says .*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    said = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)

    assert re.findall("`(.+?)`", " ".join(said)) == list(QUOTED)


@pytest.mark.parametrize("quote", QUOTED)
def test_what_the_page_quotes_is_what_a_refusal_says(check_as_json, dataset, quote):
    refused = check_as_json(QUOTED[quote](dataset), "--until", "2020-10-04")

    assert quote in refused["error"]["message"]


def test_the_pages_example_of_pandas_writes_what_is_accepted(check_as_json, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^pandas .*?```python\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)

    exec(example, {"frame": make_frame(orders=12)})

    found = check_as_json("frame_20210304.parquet")
    assert {name: found[name] for name in CONTENTS} == CONTENTS

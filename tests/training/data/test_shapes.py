import os
import subprocess
import sys
import traceback
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from push_model.columns import DELIVERED, HISTORY
from push_model.commands.app import app
from push_model.errors import DatasetError
from push_model.training.data.files import take_snapshot
from push_model.training.data.parquet_rows import _FILE, _scan, list_layouts
from push_model.training.fit import fit_model
from push_ops import exploration
from push_ops.retraining import steps
from tests.effort import EFFORT
from tests.training.data.shapes.shape import (
    CANARIES,
    UNTIL,
    digest_copy,
    load_it,
    make_base,
    make_event,
    make_request,
    read_it,
    tidy,
)
from tests.training.data.shapes.table import SHAPES, deliver

pytestmark = [
    pytest.mark.usefixtures("undrawn_pictures"),
    # Airflow's own, about a dependency of its plugins.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# Each was read wrongly before, or holds many others.
ALWAYS = {
    *("name: 'frame [v2]' of a CSV", "name: 'frame*' of Parquet", "name: odd ones of parts"),
    *("name: 'order_date=2021-03-02' of the folder above a CSV", "folder: of one day by its name"),
    *("parts: whole numbers first", "parts: no number first", "parts: single precision first"),
    *("days: each spelling, CSV", "days: each spelling, Parquet", "days: no spelling of ours, CSV"),
    *("beside: rows of hidden files", "partitions: day"),
    *("beside: rows of hidden folders", "users: each kind of text, CSV", "Parquet: .PARQUET"),
    *("users: each kind of text, Parquet", "CSV: CR alone", "CSV: LF, CRLF and CR", "CSV: .CSV"),
    *("CSV: a blank last line", "CSV: a comma more in each row", "Parquet: each type of keys"),
    *("Parquet: each type of whole numbers", "Parquet: each type of flags"),
    *(
        "Parquet: metadata of bytes",
        "missing: each word, CSV",
        "missing: no word of ours, CSV",
        "users: two of one order, CSV",
    ),
}
# Reading through takes the time. `make test` does it for one of forty others, and for each second
# shape that is refused before.
_EVERY, _REFUSED_EVERY = (1, 1) if EFFORT > 1 else (40, 2)
READ = [
    *(shape for shape in SHAPES if shape.name in ALWAYS and not shape.refused),
    *[shape for shape in SHAPES if shape.name not in ALWAYS and not shape.refused][::_EVERY],
]
BROKEN = [shape for shape in SHAPES if " must be " in shape.refused]
REFUSED = [
    *(shape for shape in SHAPES if shape.refused and shape.name in ALWAYS),
    *[
        shape
        for shape in SHAPES
        if shape.refused and shape not in BROKEN and shape.name not in ALWAYS
    ][::_REFUSED_EVERY],
    *[shape for shape in BROKEN if shape.name not in ALWAYS][::_EVERY],
]
NAMED = {shape.name: shape for shape in SHAPES}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


def list_what_is_read(connection, snapshot):
    """Return the files that DuckDB names beside the rows which it reads."""
    layouts = list_layouts(connection, snapshot)
    scans = [_scan(connection, layout.files, names_files=True) for layout in layouts]
    return {path for rows in scans for (path,) in rows.select(f'"{_FILE}"').fetchall()}


@pytest.mark.parametrize("shape", READ, ids=[shape.name for shape in READ])
def test_the_same_rows_are_read_of_any_shape(tmp_path, connection, shape):
    uri, digest = deliver(shape, tmp_path)
    snapshot = take_snapshot(uri)

    assert read_it(uri, tmp_path) == digest
    if snapshot.is_parquet:
        with_rows = [file.path for file in snapshot.files if pq.read_metadata(file.path).num_rows]
        assert list_what_is_read(connection, snapshot) == {str(path) for path in with_rows}
    if EFFORT > 1:
        assert load_it(uri, tmp_path) == digest


def refuse(read):
    with pytest.raises(DatasetError) as refused:
        read()
    return str(refused.value), "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("shape", REFUSED, ids=[shape.name for shape in REFUSED])
def test_fit_and_load_refuse_in_the_same_words_and_show_no_value(tmp_path, caplog, shape):
    caplog.set_level("DEBUG")
    uri, _ = deliver(shape, tmp_path)

    fit, trace_of_fit = refuse(lambda: fit_model(make_event(uri, tmp_path)))
    load, trace_of_load = refuse(lambda: steps.load(make_request(uri, tmp_path)))

    assert shape.refused in tidy(load, uri)
    assert tidy(fit, uri) == tidy(load, uri)
    shown = [fit, load, trace_of_fit, trace_of_load, caplog.text, *left_behind(tmp_path)]
    assert [canary for canary in CANARIES if canary in "".join(shown)] == []


def run_command(name, *arguments):
    """Run a command, and raise what it raises."""
    done = CliRunner().invoke(app, [name, *map(str, arguments), "--until", str(UNTIL)])
    raise done.exception


def plan_in_the_dag(uri, folder):
    form = {"dataset": uri, "size": "small", "min_items": 1, "seed": 0}
    return exploration.plan(folder / "run" / "plan", form, run_date=UNTIL, environ={})


WAYS_IN = {
    "fit": lambda uri, folder: fit_model(make_event(uri, folder)),
    "load": lambda uri, folder: steps.load(make_request(uri, folder)),
    "check": lambda uri, _: run_command("check", uri),
    "explore": lambda uri, folder: run_command("explore", uri, "--out", folder / "out"),
    "features": lambda uri, folder: run_command("features", uri, folder / "out.parquet"),
    "push_exploration": plan_in_the_dag,
}


def say(uri, folder):
    """Return how each way in refuses a dataset."""
    return {way: tidy(refuse(partial(read, uri, folder))[0], uri) for way, read in WAYS_IN.items()}


@pytest.mark.parametrize("column", DELIVERED)
def test_every_way_in_needs_the_same_columns(tmp_path, column):
    path = tmp_path / "frame.csv"
    make_base().drop(columns=column).to_csv(path, index=False)

    said = say(str(path), tmp_path)

    assert set(said.values()) == {f"DATASET: {column!r} is missing. Rename or add columns."}


def test_every_way_in_checks_the_same_columns(tmp_path):
    rows = make_base().assign(**dict.fromkeys(HISTORY, 1.0)).astype(object)
    # Any text is a vendor, a type or a user, but an order has one user.
    rows.loc[0, [*DELIVERED, *HISTORY]] = "?"
    path = tmp_path / "frame.csv"
    rows.to_csv(path, index=False)

    (said,) = set(say(str(path), tmp_path).values())

    free = {"user_id", "vendor", "product_type"}
    assert [name for name in {*DELIVERED, *HISTORY} - free if f" {name} must " not in said] == []


def left_behind(folder):
    """Return the text of all files that reading left, but the data themselves."""
    files = [path for path in (folder / "runs").rglob("*") if path.is_file()]
    return [path.read_text("latin-1") for path in files if path.suffix != ".parquet"]


def test_each_shape_has_a_name_of_its_own():
    assert len(NAMED) == len(SHAPES)
    assert NAMED.keys() >= ALWAYS


MODELS = [
    *("CSV: LF, CRLF and CR", "partitions: day", "parts: moments of three zones"),
]


def train(name, folder):
    shape = NAMED[name]
    folder.mkdir()
    uri = str(shape.write(shape.rows(make_base(orders=60)), folder))
    return (fit_model(make_event(uri, folder)).path / "model.json").read_bytes()


def test_the_same_rows_in_any_shape_make_the_same_model(tmp_path):
    model = train("CSV: LF", tmp_path / "base")

    for number, name in enumerate(MODELS):
        assert train(name, tmp_path / str(number)) == model, name


def test_filter_keeps_the_same_rows_of_any_shape_and_shows_no_value(tmp_path, caplog):
    caplog.set_level("DEBUG")
    kept, shown = set(), []
    for number, name in enumerate(["CSV: LF", "partitions: day"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        request = make_request(deliver(NAMED[name], folder)[0], folder)
        loaded = steps.load(request)
        filtered = steps.filter_orders(request, loaded)
        kept.add(digest_copy(Path(filtered["large_orders"])))
        shown += [str(loaded), str(filtered), *left_behind(folder)]

    assert len(kept) == 1
    assert [canary for canary in CANARIES if canary in "".join([*shown, caplog.text])] == []


ZONED = [
    "Parquet: days as timestamp[us, tz=Europe/Berlin]",
    "Parquet: moments late in the day as timestamp[us, tz=UTC]",
    "Parquet: moments as INT96",
    "days: each spelling, CSV",
    "days: moments of the day before in UTC, Parquet",
    "parts: moments of three zones",
]
# Without the rest of the product: in a process of its own, imports are what takes time.
READ_ALL = """
import sys
from datetime import date
from pathlib import Path
from push_model.training.data.delivery import bring_in
for number, uri in enumerate(sys.argv[3:]):
    path = Path(sys.argv[2]) / f"{number}.parquet"
    bring_in(uri, path, until=date.fromisoformat(sys.argv[1]))
"""


def test_days_are_the_same_in_any_time_zone_of_the_host(tmp_path):
    uris, expected = [], []
    for number, name in enumerate(ZONED):
        (tmp_path / str(number)).mkdir()
        uri, digest = deliver(NAMED[name], tmp_path / str(number))
        uris.append(uri)
        expected.append(digest)

    subprocess.run(
        [sys.executable, "-c", READ_ALL, str(UNTIL), str(tmp_path), *uris],
        env=os.environ | {"TZ": "America/Los_Angeles"},
        check=True,
    )

    read = [digest_copy(tmp_path / f"{number}.parquet") for number in range(len(ZONED))]
    assert read == expected

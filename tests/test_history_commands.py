import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner

from push_model.cli import app
from push_model.errors import DatasetError, InvalidEventError
from push_model.training.history import with_history
from tests.frames import make_frame


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "frame.csv"
    make_frame(orders=20).to_csv(path, index=False)
    return path


def features(*arguments):
    return CliRunner().invoke(app, ["features", *map(str, arguments)])


def test_the_table_holds_every_user_and_each_product_bought(dataset, tmp_path):
    out = tmp_path / "history.parquet"

    done = features(dataset, out)

    assert done.exit_code == 0
    assert "docs/serving.md has the query" in done.output
    rows = duckdb.sql(f"FROM '{out}'").df()
    assert f"Wrote {len(rows):,} rows" in done.output
    users = make_frame(orders=20)["user_id"].nunique()
    of_users = rows[rows["variant_id"].isna() & rows["vendor"].isna()]
    assert len(of_users) == users
    assert of_users[["orders_with_variant", "orders_with_vendor"]].eq(0).all(axis=None)
    assert rows["variant_id"].notna().any()
    assert rows["vendor"].notna().any()


def test_the_pages_query_finds_what_the_next_order_has_behind_it(tmp_path):
    dataset, out = tmp_path / "frame.csv", tmp_path / "history.parquet"
    make_frame(orders=23).to_csv(dataset, index=False)
    then = with_history(pd.read_csv(dataset, parse_dates=["order_date"])).df()
    last = then[then["order_date"] == then["order_date"].max()]
    features(dataset, out, "--until", "2020-10-15")
    page = (Path(__file__).parents[1] / "docs" / "serving.md").read_text("utf-8")
    (query,) = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW history AS FROM '{out}'")
    compared = 0
    for row in last.to_dict("records"):
        keys = {name: row[name] for name in ("user_id", "variant_id", "vendor")}
        (found,) = connection.execute(query, keys).fetchall()
        # What `ordered_before` first tells on the day itself no table of the day before has.
        for place, name in ((1, "orders_with_variant"), (3, "orders_with_vendor")):
            if found[place] or not row[name]:
                told = (found[0], *found[place : place + 2])
                since = row[name.replace("with", "since")]
                assert told == (row["earlier_orders"], row[name], None if pd.isna(since) else since)
                compared += bool(found[place])
    assert compared > 10


def test_no_later_row_is_looked_at(dataset, tmp_path):
    out = tmp_path / "history.parquet"

    features(dataset, out, "--until", "2020-10-05")

    assert duckdb.sql(f"SELECT max(earlier_orders) FROM '{out}'").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["absent.csv", "out.parquet"], DatasetError),
        (["absent.csv", "out.parquet", "--until", "yesterday"], InvalidEventError),
    ],
)
def test_what_is_wrong_is_one_error(arguments, error):
    assert isinstance(features(*arguments).exception, error)

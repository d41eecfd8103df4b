import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner

from push_model.columns import HISTORY
from push_model.commands.app import app
from push_model.errors import DatasetError, InvalidEventError
from push_model.training.data.history import with_history
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
    frame = make_frame(orders=23)
    # One who orders for the second time: of the first order no frame has a row.
    newest = frame[frame["order_date"] == frame["order_date"].max()]
    frame = pd.concat([frame, newest.assign(user_id=7, order_id=newest["order_id"] + 1)])
    frame.to_csv(dataset, index=False)
    then = with_history(pd.read_csv(dataset, parse_dates=["order_date"])).df()
    last = then[then["order_date"] == then["order_date"].max()]
    features(dataset, out, "--until", "2020-10-15")
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
    (query,) = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW history AS FROM '{out}'")
    known = {user for (user,) in connection.execute("SELECT user_id FROM history").fetchall()}
    vendor_before = last.groupby(["order_id", "vendor"])["ordered_before"].transform("max")
    compared = {"bought before": 0, "user in the table": 0, "user not in the table": 0}
    for row in last.assign(vendor_ordered_before=vendor_before).to_dict("records"):
        asked = ["user_id", "variant_id", "vendor", "ordered_before", "vendor_ordered_before"]
        (found,) = connection.execute(query, {name: row[name] for name in asked}).fetchall()
        assert found == tuple(None if pd.isna(row[name]) else row[name] for name in HISTORY)
        compared["bought before"] += bool(row["orders_with_variant"])
        is_known = row["user_id"] in known
        compared["user in the table" if is_known else "user not in the table"] += 1
    assert min(compared.values()) >= 10, compared


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

import duckdb
import pytest
from typer.testing import CliRunner

from push_model.cli import app
from push_model.errors import DatasetError, InvalidEventError
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
    assert "for a product without a row" in done.output.lower()
    rows = duckdb.sql(f"FROM '{out}'").df()
    assert f"Wrote {len(rows):,} rows" in done.output
    users = make_frame(orders=20)["user_id"].nunique()
    assert rows["variant_id"].isna().sum() == users
    assert rows.loc[rows["variant_id"].isna(), "orders_with_variant"].eq(0).all()


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

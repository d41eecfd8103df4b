from datetime import date

import pytest

from push_model.errors import InvalidEventError
from push_ops.retraining.daily import is_daily, name_of_day

DAY = date(2021, 3, 1)
NAMES = {
    "data/feature_frame_{yyyymmdd}.csv": "data/feature_frame_20210301.csv",
    "{yyyy}/{mm}/{dd}/frame.parquet": "2021/03/01/frame.parquet",
    "frame_{yyyymmdd-1}.csv": "frame_20210228.csv",
    "{yyyy-1}-{mm-1}-{dd-1}.csv": "2021-02-28.csv",
    "conn://shop/exports/{yyyymmdd}.csv": "conn://shop/exports/20210301.csv",
}


@pytest.mark.parametrize(("pattern", "name"), NAMES.items())
def test_a_day_is_put_where_the_name_has_a_place_for_it(pattern, name):
    assert name_of_day(pattern, DAY) == name
    assert is_daily(pattern)


@pytest.mark.parametrize("plain", ["data/frame.csv", "file:///a%20b.csv", "a{{yyyymmdd}}.csv"])
def test_a_name_without_a_place_for_it_is_of_no_day(plain):
    assert name_of_day(plain, DAY) == plain.replace("{{", "{").replace("}}", "}")
    assert not is_daily(plain)


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("frame_{ds}.csv", "{ds}"),
        ("frame_{YYYYMMDD}.csv", "{YYYYMMDD}"),
        ("frame_{yyyymmdd+1}.csv", "{yyyymmdd+1}"),
        ("frame_{}.csv", "{}"),
        ("frame_{yyyymmdd.csv", "{"),
        ("frame_yyyymmdd}.csv", "}"),
    ],
)
def test_an_unknown_placeholder_is_refused_with_the_known_ones(pattern, part):
    with pytest.raises(InvalidEventError) as error:
        name_of_day(pattern, DAY)

    assert f"holds {part!r}. Known placeholders: ['{{yyyymmdd}}', " in str(error.value)

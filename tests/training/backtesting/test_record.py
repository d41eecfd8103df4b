from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.errors import ModelIntegrityError
from push_model.store.promotion import Champion, promote, rollback
from push_model.testing import make_model
from push_model.training.backtesting.lines import BACKTESTS_FILE, read_backtests
from push_model.training.backtesting.record import (
    _iterate_services,
    append_backtests,
    backtest_champions,
)
from tests.frames import FIRST_DAY, make_frame

FACTS = {"verdict": None, "reason": "a test", "by": "ada"}
RUN_DATE = date(2026, 1, 30)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "frame.csv"
    rows = make_frame(orders=60, seed=3)
    # From the day after the one that `make_model` says its models were trained on.
    rows["order_date"] += pd.Timestamp("2026-01-06") - FIRST_DAY
    rows.to_csv(path, index=False)
    return path


@pytest.fixture
def store(tmp_path):
    """A store in which a serves from 11 January on, and b from 21 January."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name, log_odds in (("a", -2.0), ("b", -1.0)):
        make_model(folder, name, base_log_odds=log_odds, promoted=False)
    promote(folder, "a", expected=None, promoted_at="2026-01-10T05:00:00+00:00", **FACTS)
    promote(folder, "b", expected="a", promoted_at="2026-01-20T05:00:00+00:00", **FACTS)
    return folder


def look_back(frame, store, *, run_date=RUN_DATE, **options) -> list:
    return list(
        backtest_champions(
            str(frame), models_dir=str(store), min_items=5, run_date=run_date, **options
        )
    )


def record(path, found, *, run_date=RUN_DATE, dataset="frame.csv"):
    append_backtests(path, tuple(found), run_date=run_date, dataset=dataset, min_items=5)


def days_of(found) -> tuple:
    return found.model_name, found.days[0].day.day, found.days[-1].day.day


def test_each_day_is_scored_with_its_own_champion(frame, store):
    first, second = look_back(frame, store)

    assert days_of(first) == ("a", 11, 20)
    assert days_of(second) == ("b", 21, 30)
    assert first.model_id != second.model_id


def test_rows_after_the_run_date_are_not_read_and_later_champions_not_used(frame, store):
    found = look_back(frame, store, run_date=date(2026, 1, 20))

    assert [days_of(each) for each in found] == [("a", 11, 20)]


def test_a_backfill_before_the_first_promotion_finds_no_champion(frame, store):
    assert look_back(frame, store, run_date=date(2026, 1, 10)) == []


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (12, [("a", 19, 20), ("b", 21, 30)]),
        (11, [("a", 20, 20), ("b", 21, 30)]),
        (2, [("b", 29, 30)]),
    ],
)
def test_only_so_many_days_are_looked_at(frame, store, days, expected):
    assert [days_of(each) for each in look_back(frame, store, days=days)] == expected


def test_only_large_orders_count(frame, store):
    (_, large), (_, every) = (
        backtest_champions(str(frame), models_dir=str(store), min_items=items, run_date=RUN_DATE)
        for items in (5, 1)
    )

    assert large.total.orders < every.total.orders


def test_a_champion_that_was_removed_or_damaged_is_left_out_and_named(frame, store, caplog):
    (store / "a" / "model.json").write_bytes(b"{}")

    found = look_back(frame, store)

    assert [days_of(each) for each in found] == [("b", 21, 30)]
    assert "a, champion from 2026-01-11 to 2026-01-20, is left out: " in caplog.text


def test_a_store_without_promotions_gives_nothing_and_reads_no_frame(tmp_path):
    assert look_back("absent.parquet", tmp_path) == []


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        # A day belongs to the model that was champion as it began.
        ([("a", "2021-03-04T05:00Z"), ("b", "2021-03-06T05:00Z")], [("a", 5, 6), ("b", 7, 31)]),
        # Of two promotions on a day the later one counts.
        ([("a", "2021-03-04T05:00Z"), ("b", "2021-03-04T09:00Z")], [("b", 5, 31)]),
        # A promotion on the last day, or later, has no day.
        ([("a", "2021-03-01"), ("b", "2021-03-31")], [("a", 2, 31)]),
        ([("a", "2021-03-01"), ("b", "2021-04-06")], [("a", 2, 31)]),
        # Days around a change without a moment are left out.
        ([("a", "2021-03-01"), ("b", "yesterday"), ("c", "2021-03-20")], [("c", 21, 31)]),
        # Moments count in UTC.
        (
            [("a", "2021-03-04T23:30-02:00"), ("b", "2021-03-07T00:30+02:00")],
            [("a", 6, 6), ("b", 7, 31)],
        ),
        # A clock that went back gives no day twice.
        (
            [("a", "2021-03-10"), ("b", "2021-03-05"), ("c", "2021-03-12")],
            [("b", 6, 12), ("c", 13, 31)],
        ),
        ([], []),
    ],
)
def test_days_belong_to_champions(moves, expected):
    champions = [Champion(name, moment, by="a run") for name, moment in moves]

    found = _iterate_services(champions, until=date(2021, 3, 31))

    assert [(name, since.day, last.day) for name, since, last in found] == expected


@given(st.lists(st.integers(0, 30), max_size=8).map(sorted), st.integers(0, 30))
def test_no_day_has_two_champions_and_none_before_its_promotion(days, last):
    first = date(2021, 3, 1)
    until = first + timedelta(days=last)
    champions = [
        Champion(str(number), str(first + timedelta(days=day)), by="a run")
        for number, day in enumerate(days)
    ]

    seen = set()
    for name, since, end in _iterate_services(champions, until=until):
        assert first + timedelta(days=days[int(name)]) < since <= end <= until
        served = {since + timedelta(days=offset) for offset in range((end - since).days + 1)}
        assert not served & seen
        seen |= served
    assert len(seen) == (max(0, last - min(days)) if days else 0)


def test_days_without_an_order_give_nothing(frame, store):
    assert look_back(frame, store, run_date=date(2026, 10, 30)) == []


def test_the_same_run_again_leaves_the_same_file(frame, store, tmp_path):
    path = tmp_path / "runs" / BACKTESTS_FILE
    record(path, look_back(frame, store))
    once = path.read_bytes()

    record(path, look_back(frame, store))

    assert path.read_bytes() == once
    assert [(each["run_date"], each["model_name"]) for each in read_backtests(path)] == [
        ("2026-01-30", "a"),
        ("2026-01-30", "b"),
    ]


def test_the_order_of_runs_does_not_matter(frame, store, tmp_path):
    days = (date(2026, 1, 25), RUN_DATE)
    for name, order in (("forth", days), ("back", days[::-1])):
        for run_date in order:
            found = tuple(look_back(frame, store, run_date=run_date))
            record(tmp_path / name / BACKTESTS_FILE, found, run_date=run_date)

    forth, back = (tmp_path / name / BACKTESTS_FILE for name in ("forth", "back"))
    assert forth.read_bytes() == back.read_bytes()
    assert len(read_backtests(forth)) == 4


def test_what_a_later_look_finds_takes_the_place_of_the_former(frame, store, tmp_path):
    path = tmp_path / BACKTESTS_FILE
    record(path, look_back(frame, store, days=2))

    record(path, look_back(frame, store, days=5))

    (document,) = read_backtests(path)
    assert len(document["days"]) == 5


def test_a_record_of_a_model_that_is_gone_by_now_stays(frame, store, tmp_path):
    path = tmp_path / BACKTESTS_FILE
    record(path, look_back(frame, store))
    (store / "a" / "model.json").unlink()

    record(path, look_back(frame, store))

    assert [document["model_name"] for document in read_backtests(path)] == ["a", "b"]


def test_a_model_that_served_twice_keeps_both_stretches(frame, store, tmp_path):
    rollback(store, reason="complaints", promoted_at="2026-01-25T05:00:00+00:00", by="ada")
    path = tmp_path / BACKTESTS_FILE

    for _ in range(2):
        record(path, look_back(frame, store))

    found = [(each["model_name"], each["days"][0]["day"]) for each in read_backtests(path)]
    assert found == [("a", "2026-01-11"), ("b", "2026-01-21"), ("a", "2026-01-26")]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"run_date": "2026-01-30"}'])
def test_a_damaged_record_is_refused_and_left_alone(frame, store, tmp_path, line):
    path = tmp_path / BACKTESTS_FILE
    found = tuple(look_back(frame, store, days=2))
    record(path, found)
    damaged = path.read_bytes() + line + b"\n"
    path.write_bytes(damaged)

    with pytest.raises(
        ModelIntegrityError, match=r"Line 2 of .*backtests\.jsonl is not a backtest"
    ):
        record(path, found)

    assert path.read_bytes() == damaged


def test_a_record_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / BACKTESTS_FILE).mkdir()

    with pytest.raises(ModelIntegrityError, match="cannot be read"):
        read_backtests(tmp_path / BACKTESTS_FILE)


def test_a_look_at_another_dataset_takes_no_ones_place(frame, store, tmp_path):
    path = tmp_path / BACKTESTS_FILE
    found = look_back(frame, store, days=2)

    for dataset in ("frame.csv", "a_trial.csv", "frame.csv"):
        record(path, found, dataset=dataset)

    assert [line["dataset"] for line in read_backtests(path)] == ["a_trial.csv", "frame.csv"]

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.store.pointer import Champion
from push_model.training.backtesting.service import iterate_services

LAST = date(2021, 3, 31)


def line(name, moment) -> Champion:
    return Champion(name, moment, by="a run")


def served(*lines, until=LAST) -> list:
    return [
        (name, since.day, last.day) for name, since, last in iterate_services(lines, until=until)
    ]


def test_a_day_is_the_models_that_was_champion_as_it_began():
    found = served(line("a", "2021-03-04T05:00:00+00:00"), line("b", "2021-03-06T05:00:00+00:00"))

    assert found == [("a", 5, 6), ("b", 7, 31)]


def test_a_new_champion_every_morning_leaves_each_its_day():
    found = served(*(line(name, f"2021-03-0{day}T05:00Z") for day, name in enumerate("abc", 1)))

    assert found == [("a", 2, 2), ("b", 3, 3), ("c", 4, 31)]


def test_of_two_promotions_on_a_day_the_later_one_counts():
    found = served(line("a", "2021-03-04T05:00Z"), line("b", "2021-03-04T09:00Z"))

    assert found == [("b", 5, 31)]


@pytest.mark.parametrize("day", ["2021-03-05", "2021-03-06"])
def test_what_is_promoted_on_the_last_day_or_later_is_not_looked_at(day):
    found = served(line("a", "2021-03-01"), line("b", day), until=date(2021, 3, 5))

    assert found == [("a", 2, 5)]


def test_days_around_a_change_without_a_moment_are_left_out():
    found = served(line("a", "2021-03-01"), line("b", "yesterday"), line("c", "2021-03-20"))

    assert found == [("c", 21, 31)]


def test_a_moment_counts_in_utc():
    found = served(line("a", "2021-03-04T23:30:00-02:00"), line("b", "2021-03-07T00:30:00+02:00"))

    assert found == [("a", 6, 6), ("b", 7, 31)]


def test_a_clock_that_went_back_gives_no_day_twice():
    found = served(line("a", "2021-03-10"), line("b", "2021-03-05"), line("c", "2021-03-12"))

    assert found == [("b", 6, 12), ("c", 13, 31)]


def test_a_store_without_champions_has_no_services():
    assert served() == []


@given(st.lists(st.integers(0, 30), max_size=8).map(sorted), st.integers(0, 30))
def test_no_day_is_twice_and_none_before_its_promotion(days, last):
    until = date(2021, 3, 1) + timedelta(days=last)
    lines = [
        line(str(number), str(date(2021, 3, 1) + timedelta(days=day)))
        for number, day in enumerate(days)
    ]

    found = list(iterate_services(lines, until=until))

    whose = {}
    for name, since, end in found:
        assert since <= end <= until
        for offset in range((end - since).days + 1):
            day = since + timedelta(days=offset)
            assert day not in whose
            assert date(2021, 3, 1) + timedelta(days=days[int(name)]) < day
            whose[day] = name
    promoted = [date(2021, 3, 1) + timedelta(days=day) for day in days]
    assert len(whose) == (max(0, (until - min(promoted)).days) if promoted else 0)

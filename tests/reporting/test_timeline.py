import re
from datetime import date, timedelta

from push_model.evaluation.results import Interval
from push_model.reporting.timeline import (
    DayPoint,
    RunPoint,
    draw_distances,
    draw_purchases,
    draw_timeline,
)

FIRST = date(2026, 1, 1)


def make_points(n, *, champion=True):
    found = Interval(0.3, 0.25, 0.35)
    return [
        RunPoint(
            day=FIRST + timedelta(days=place),
            challenger=found,
            champion=found if champion else None,
            popularity=0.06,
            promoted=place % 2 == 0,
            address=f"runs/{place}",
            words=f"Run {place}",
        )
        for place in range(n)
    ]


def test_each_dot_of_the_timeline_leads_to_its_verdict():
    svg = draw_timeline(make_points(3), level=0.95, title="three").svg()

    assert re.findall('href="(runs/[0-9])"', svg) == ["runs/0", "runs/2", "runs/1"]
    assert [f"Run {place}" in svg for place in range(3)] == [True] * 3
    assert {">champion</text>", ">popularity</text>"} <= set(re.findall(r">\w+</text>", svg))


def test_a_year_of_runs_is_small_and_lacks_no_run():
    svg = draw_timeline(make_points(365, champion=False), level=0.95, title="a year").svg()

    assert len(set(re.findall('href="(runs/[0-9]+)"', svg))) == 365
    assert ">champion</text>" not in svg
    assert len(svg) < 300_000


def test_few_days_are_named_as_days():
    days = [DayPoint(FIRST + timedelta(days=place), 10.4, 9) for place in range(2)]
    picture = draw_purchases(days, title="two")

    assert not re.search(r">\d\d:\d\d</text>", picture.svg())
    assert picture.alt.startswith("2026-01-01: 10 expected, 9 actual")


def test_distances_stand_beside_their_limit_where_it_is_known():
    features = [("discount_pct", 4.5), ("count_pets", 0.0)]
    with_limit, without = (
        draw_distances(features, limit=limit, title="two").svg() for limit in (2.0, None)
    )

    assert ">limit</text>" in with_limit
    assert ">limit</text>" not in without

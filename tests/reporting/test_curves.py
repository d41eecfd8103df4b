import re

import numpy as np
import pytest

from push_model.evaluation.curves import trace
from push_model.reporting.curves import (
    Line,
    _trace_gains,
    _trace_precision_recall,
    _trace_roc,
    draw_curves,
    draw_distribution,
    draw_reliability,
)
from push_model.reporting.picture import LEGEND_ROW, SERIES
from tests.project.pages import Page


@pytest.fixture(scope="module")
def lines():
    rng = np.random.default_rng(0)
    scores = rng.random(2_000) ** 3
    outcomes = rng.random(2_000) < scores
    return [
        Line(name, trace(outcomes, given), style)
        for name, given, style in zip(
            ("this model", "a model with quite a long name in the legend"),
            (scores, rng.permutation(scores)),
            SERIES,
            strict=False,
        )
    ]


def test_each_picture_names_every_line_with_its_figure(lines):
    pictures = [*draw_curves(lines), draw_reliability(lines)]

    assert [picture.name for picture in pictures] == [
        "gains",
        "precision-recall",
        "roc",
        "reliability",
    ]
    for picture in pictures:
        drawn = "".join(Page(picture.svg()).text)
        for line in lines:
            assert re.search(rf"{line.name} [\d.]+", picture.alt)
            assert line.name in drawn


def test_names_too_long_for_one_line_of_the_legend_stand_below_each_other(lines):
    def height(name):
        return draw_reliability([line._replace(name=name) for line in lines[:2]]).size[1]

    assert height("push_2026_11_30") == pytest.approx(height("trees") + LEGEND_ROW)


def test_a_window_is_named_in_titles_and_keeps_names_unique(lines):
    first, second = (
        [*draw_curves(lines, where=where), draw_reliability(lines, where=where)]
        for where in ("Final window", "validation")
    )

    assert all(picture.title.endswith("(Final window)") for picture in first)
    assert len({picture.name for picture in (*first, *second)}) == 8
    assert "gains-final-window" in {picture.name for picture in first}


def test_titles_state_what_was_found_for_the_first_line(lines):
    gains, precision, roc = draw_curves(lines)
    metrics = lines[0].curves.metrics

    assert f"{metrics['lift_at_5pct']:.1f} times what random pushes find" in gains.title
    assert "% of the pushes are bought" in precision.title
    assert f"{round(100 * metrics['roc_auc'])} times in 100" in roc.title
    predicted = f"predicts {metrics['expected_per_actual']:.2f} purchases per actual purchase"
    assert predicted in draw_reliability(lines).title


def test_curves_end_where_everything_is_found(lines):
    for points in (_trace_gains, _trace_roc):
        across, up = points(lines[0].curves)
        assert (across[0], up[0], across[-1], up[-1]) == (0, 0, 1, 1)


def test_steps_of_precision_and_recall_add_up_to_the_average_precision():
    rng = np.random.default_rng(1)
    curves = trace(rng.random(60) < 0.4, rng.random(60))

    recalls, precisions = _trace_precision_recall(curves)

    area = np.dot(np.diff(recalls), precisions[1:])
    assert area == pytest.approx(curves.metrics["average_precision"])


def test_bins_that_a_logarithmic_axis_cannot_show_are_left_out():
    curves = trace([0, 0, 0, 1], [0.0, 0.0, 0.5, 0.5])

    assert "<svg" in draw_reliability([Line("flat", curves, SERIES[0])]).svg()
    assert "<svg" in draw_distribution(curves).svg()

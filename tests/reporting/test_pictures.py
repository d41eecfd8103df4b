import re

from push_model.evaluation.importances import Dependence
from push_model.evaluation.results import Interval, Slice
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.rows import draw_average_precision, draw_slices


def make_slice(name, **values):
    interval = Interval(0.1, 0.0, 0.2)
    sizes = {"rows": 1000, "orders": 20, "purchases": 90}
    return Slice(
        name=name,
        **sizes | values,
        average_precision=0.25,
        rival="champion",
        rival_average_precision=0.26,
        gain=interval,
        expected_per_actual=interval,
        calibration_error=interval,
    )


def test_the_picture_of_a_missing_value_says_what_it_means():
    (picture,) = draw_dependences([Dependence("days", (1.0, 9.0), (0.2, 0.1), 0.01, "never")])

    assert ">never</text>" in picture.svg()
    assert "(never): 1 %" in picture.alt


def test_a_letter_that_no_font_has_is_drawn():
    picture = draw_slices([make_slice("茶 🍵 $x$")])

    assert re.search("<text[^>]*>茶 🍵 \\$x\\$</text>", picture.svg())


def test_slices_with_too_few_purchases_are_not_drawn():
    assert draw_slices([make_slice("new users", purchases=29)]) is None
    assert (
        "returning"
        not in draw_slices([
            make_slice("new users", purchases=30),
            make_slice("returning users", purchases=29),
        ]).svg()
    )


def test_a_lone_slice_is_called_neither_the_best_nor_the_worst():
    picture = draw_slices([make_slice("returning users")])

    assert picture.title == "Average precision is 0.250 on returning users"


def test_the_average_precision_is_compared_with_the_others():
    found = {"challenger": 0.3, "champion": 0.2, "popularity": 0.1}

    picture = draw_average_precision(found, {"challenger": Interval(0.3, 0.2, 0.4)}, level=0.95)

    assert (
        picture.title
        == "Average precision is 0.300: 3.0 times popularity and 1.50 times the champion"
    )
    assert "95 % intervals" in picture.how
    assert "this model 0.300 (0.200 to 0.400); champion 0.200" in picture.alt

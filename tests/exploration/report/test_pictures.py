from matplotlib.figure import Figure

from push_model.exploration.report.line_pictures import Point, draw_lines
from push_model.exploration.report.plane_pictures import draw_surface


def painted(picture):
    axes = Figure(figsize=picture.size).add_subplot()
    picture.paint(axes)
    return axes


def test_of_dots_that_crowd_the_best_has_its_number_and_the_words_have_all():
    crowd = [(0.1, 200.0, 0.251), (0.101, 201.0, 0.252), (0.102, 199.0, 0.25)]

    picture = draw_surface("s", [*crowd, (0.6, 50.0, 0.24)], across="rate", up="trees")

    assert {text.get_text() for text in painted(picture).texts} == {"0.2520", "0.2400"}
    assert all(f"{value:.4f}" in picture.alt for *_, value in crowd)


def test_names_of_places_stand_apart_on_either_scale():
    def names(*places):
        lines = {"": [Point(place, 0.1) for place in places]}
        picture = draw_lines("l", lines, title="t", how="h", alt="a", across="x", up="y")
        return [tick.get_text() for tick in painted(picture).get_xticklabels()]

    assert names(0.092, 0.1, 0.15, 0.3, 0.6) == ["0.092", "0.3", "0.6"]
    assert names(1.0, 1.05, 10.0, 100.0) == ["1", "10", "100"]
    assert names(3.0) == ["3"]

import re
from datetime import date

import numpy as np
import pytest

from push_model.training.backtesting.staleness import sum_up
from push_model.training.backtesting.staleness_picture import draw
from push_model.training.backtesting.walk_forward import Block, Figures

ORIGINS = (date(2021, 3, 1), date(2021, 3, 8))


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    models = tuple(
        Figures(*(level + 0.01 * rng.random(21) for level in (precision, 0.05, promised)))
        for precision, promised in ((0.3, 1.0), (0.29, 1.04), (0.27, 1.1))
    )
    return sum_up([Block(40, 300, models, np.full(21, 0.1))] * 2, origins=ORIGINS, every=7)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".html"])
def test_the_same_figures_give_the_same_bytes(found, tmp_path, suffix):
    for name in ("one", "two"):
        draw(found, tmp_path / f"{name}{suffix}")

    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_picture_is_a_picture(found, tmp_path):
    for suffix in (".png", ".svg"):
        draw(found, tmp_path / f"picture{suffix}")

    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    drawn = (tmp_path / "picture.svg").read_text()
    assert "age of the model, days since training" in drawn
    assert "the gate's margin, 5%" in drawn
    assert "<dc:date>" not in drawn


def test_a_page_holds_the_figures_and_asks_nothing_of_the_network(found, tmp_path):
    draw(found, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert page.count("<tr>") == 1 + len(found.ages)
    assert f"<td>15-21<td>{found.ages[2].orders}" in page
    assert f"{found.ages[2].kept.estimate:.3f} (" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []

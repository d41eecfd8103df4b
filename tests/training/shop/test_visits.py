import numpy as np
import pytest

from push_model.training.shop.visits import draw_pull, draw_visits


def test_orders_grow_over_the_window_and_dip_on_thursdays():
    rng = np.random.default_rng(1)
    visits = draw_visits(rng, users=20_000, pull=draw_pull(rng))
    day = visits.day[visits.is_repeat()]

    weeks = np.bincount(day // 30)
    weekday = np.bincount(day % 7)
    assert (np.diff(weeks) > 0).all()
    assert 1.8 < weeks[-1] / weeks[0] < 3.5
    assert weekday[3] / weekday[5] == pytest.approx(0.75, abs=0.1)

from itertools import starmap
from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.serving.stability import SMALLEST_SHARE, stability_index

SHARES = st.lists(st.tuples(*[st.floats(0.0, 1.0)] * 2), min_size=1, max_size=12)


def test_it_is_the_sum_of_differences_times_logs_of_ratios():
    by_hand = (0.6 - 0.2) * log(0.6 / 0.2) + (0.4 - 0.8) * log(0.4 / 0.8)

    assert stability_index([0.6, 0.4], [0.2, 0.8]) == pytest.approx(by_hand)


@given(SHARES)
def test_it_is_a_distance_finite_and_the_same_both_ways(pairs):
    now, then = map(list, zip(*pairs, strict=True))

    index = stability_index(now, then)

    assert 0.0 <= index < inf
    assert index == pytest.approx(stability_index(then, now))
    assert stability_index(now, now) == 0.0


def test_an_empty_bin_counts_as_the_smallest_share():
    assert stability_index([0.0], [0.5]) == stability_index([SMALLEST_SHARE], [0.5])
    assert stability_index([0.5], [0.0]) == stability_index([0.5], [SMALLEST_SHARE])


def test_spreads_over_different_bins_are_a_mistake():
    with pytest.raises(ValueError, match="shorter"):
        stability_index([0.5, 0.5], [1.0])


def test_shares_may_be_made_as_they_are_read():
    counts = [(1, 4), (3, 4)]

    assert stability_index(starmap(lambda n, of: n / of, counts), [0.25, 0.75]) == 0.0

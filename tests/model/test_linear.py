import math

import numpy as np
import pytest

from push_model.errors import ModelFormatError
from push_model.model.linear import Linear
from tests.forests import make_line


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([1.0, 4.0, 9.0], -1.0),
        ([2.0, 4.0, 9.0], 1.0),
        ([2.0, 6.0, 9.0], 0.0),
        ([math.nan, 4.0, math.nan], -1.0),
    ],
)
def test_a_term_is_the_weight_times_the_way_from_the_centre(inputs, expected):
    line = Linear.from_document(make_line(), n_inputs=3)

    assert line.log_odds(inputs) == expected


def test_terms_are_added_in_the_order_of_the_inputs():
    scorer = make_line(intercept=1e16, weights=[1.0, -1e16, 0.0], centers=[0.0, 0.0, 0.0])
    line = Linear.from_document(scorer, n_inputs=3)

    alone = line.log_odds([1.0, 1.0, 0.0])

    assert alone == line.log_odds_of_columns([np.ones(1), np.ones(1), np.zeros(1)])[0] == 0.0


def test_contributions_are_the_terms():
    line = Linear.from_document(make_line(), n_inputs=3)

    assert line.contributions([2.0, math.nan, 5.0]) == (-1.0, [2.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [1.0]}, r"\['weights'\] must have 3 entries, got 1"),
        ({"centers": [1.0, 2.0, None]}, r"\['centers'\] must be finite"),
        ({"intercept": "0"}, r"\['intercept'\] must be finite"),
        ({"penalty": "l2"}, "unknown key"),
    ],
)
def test_a_malformed_line_is_refused_by_its_place(changes, message):
    with pytest.raises(ModelFormatError, match=message):
        Linear.from_document(make_line(**changes), n_inputs=3)

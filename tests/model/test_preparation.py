import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.errors import ModelFormatError
from push_model.model.preparation import (
    Fill,
    Log,
    MissingIf,
    Product,
    Ratio,
    parse_steps,
    prepare_columns,
    row_functions,
)
from tests.forests import NAMES, ROWS, STEPS, VALUES


def prepare_row(values, steps):
    prepared = dict(values)
    for do_step in row_functions(steps):
        do_step(prepared)
    return prepared


ORDINARY = {"a": 3.0, "b": 2.0, "c": 0.0}
ALL_STEPS = parse_steps(STEPS)


def same_bits(left: float, right: float) -> bool:
    return (math.isnan(left) and math.isnan(right)) or (
        left == right and math.copysign(1, left) == math.copysign(1, right)
    )


@given(ROWS)
def test_one_by_one_and_in_columns_give_the_same_bits(rows):
    columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(NAMES)}

    together = prepare_columns(columns, ALL_STEPS)

    for n, row in enumerate(rows):
        alone = prepare_row(dict(zip(NAMES, row, strict=True)), ALL_STEPS)
        assert alone.keys() == together.keys()
        assert all(same_bits(alone[name], together[name][n]) for name in alone)


@given(st.lists(VALUES, min_size=3, max_size=3))
def test_the_input_is_left_as_it_was(row):
    values = dict(zip(NAMES, row, strict=True))
    columns = {name: np.array([value]) for name, value in values.items()}
    before = {name: column.copy() for name, column in columns.items()}

    prepare_row(values, ALL_STEPS)
    prepare_columns(columns, ALL_STEPS)

    assert list(map(repr, values.values())) == list(map(repr, row))
    for name, column in columns.items():
        np.testing.assert_array_equal(column, before[name])


@pytest.mark.parametrize(
    ("step", "values", "name", "expected"),
    [
        (MissingIf("a", 3.0, "c"), {}, "a", math.nan),
        (MissingIf("a", 3.0, "c"), {"c": 1.0}, "a", 3.0),
        (MissingIf("a", 3.0, "c"), {"c": math.nan}, "a", 3.0),
        (MissingIf("a", 4.0, "c"), {}, "a", 3.0),
        (Fill("a", 7.0), {"a": math.nan}, "a", 7.0),
        (Fill("a", 7.0), {}, "a", 3.0),
        (Ratio("r", "a", "b"), {}, "r", 1.5),
        (Ratio("r", "a", "b"), {"a": math.nan}, "r", math.nan),
        (Ratio("r", "a", "b"), {"b": math.nan}, "r", math.nan),
        (Ratio("r", "a", "b"), {"b": 0.0}, "r", math.nan),
        (Ratio("r", "a", "b"), {"b": -2.0}, "r", math.nan),
        (Ratio("r", "a", "b"), {"b": 5e-324}, "r", math.inf),
        (Log("l", "b", 1.0), {}, "l", math.log(3.0)),
        (Log("l", "b", -2.0), {}, "l", math.nan),
        (Log("l", "b", 1.0), {"b": math.nan}, "l", math.nan),
        (Product("p", "a", "b"), {}, "p", 6.0),
        (Product("p", "a", "b"), {"a": 1e300, "b": 1e300}, "p", math.inf),
        (Product("p", "a", "c"), {"a": math.nan}, "p", math.nan),
    ],
)
def test_each_step_does_what_the_format_says(step, values, name, expected):
    row = ORDINARY | values

    alone = prepare_row(row, [step])[name]
    together = prepare_columns({n: np.array([v]) for n, v in row.items()}, [step])[name]

    assert same_bits(alone, expected)
    assert same_bits(float(together[0]), expected)


@pytest.mark.parametrize("step", ALL_STEPS, ids=lambda step: type(step).__name__)
def test_a_step_reads_back_as_it_was_written(step):
    assert parse_steps([step.document()]) == (step,)


def test_a_step_reads_the_names_that_it_was_given():
    assert [step.reads for step in ALL_STEPS] == [
        ("a", "c"),
        ("c",),
        ("a", "b"),
        ("b",),
        ("a", "c"),
    ]


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ({}, "steps must be a list, got dict"),
        ([1], r"steps\[0\] must be a step of kind"),
        ([{"kind": "rato"}], r"Did you mean 'ratio'"),
        ([{"kind": ["fill"]}], r"steps\[0\] must be a step of kind"),
        ([{"kind": "fill", "name": "a"}], r"steps\[0\] lacks key\(s\) \['value'\]"),
        ([{"kind": "fill", "name": "a", "value": 1, "x": 2}], r"unknown key\(s\) 'x'"),
        ([{"kind": "fill", "name": "a", "value": True}], r"steps\[0\]\['value'\] must be finite"),
        ([{"kind": "fill", "name": "a", "value": math.nan}], "must be finite"),
        ([{"kind": "fill", "name": "a", "value": 10**400}], "must be finite"),
        ([{"kind": "fill", "name": 3, "value": 1.0}], r"\['name'\] must be a text"),
        ([{"kind": "fill", "name": "", "value": 1.0}], r"\['name'\] must be a text"),
    ],
)
def test_a_malformed_step_is_refused_by_its_place(documents, message):
    with pytest.raises(ModelFormatError, match=message):
        parse_steps(documents)

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from push_model.columns import BY_NAME, FRAME
from push_model.training.data.frames import connect
from push_model.training.data.schema_rules import row_rules
from tests.effort import EFFORT

CONNECTION = connect()
# A busy machine breaks no law.
BUSY = settings(deadline=None, max_examples=20 * EFFORT)
numbers = st.floats(width=64) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 1000.0, 1000.5])


def broken_by(name: str, value: float | None) -> list[str]:
    """Ask DuckDB which rules of a column a value breaks."""
    rules = row_rules({name: "DOUBLE"})
    asked = ", ".join(f"coalesce({rule.broken}, false)" for rule in rules)
    query = f'SELECT {asked} FROM (SELECT $1::DOUBLE AS "{name}")'
    (answers,) = CONNECTION.execute(query, [value]).fetchall()
    return [rule.words for rule, answer in zip(rules, answers, strict=True) if answer]


@BUSY
@given(value=numbers)
def test_a_number_is_legal_when_it_is_missing_or_finite_and_within_its_limits(value):
    column = BY_NAME["discount_pct"]
    is_legal = math.isnan(value) or column.minimum <= value <= column.maximum

    assert (broken_by("discount_pct", value) == []) == is_legal


@BUSY
@given(value=numbers)
def test_a_flag_is_legal_when_it_is_missing_zero_or_one(value):
    assert (broken_by("ordered_before", value) == []) == (math.isnan(value) or value in {0, 1})


@BUSY
@given(value=numbers)
def test_an_outcome_is_legal_when_it_is_zero_or_one(value):
    assert (broken_by("outcome", value) == []) == (value in {0, 1})


def test_a_null_is_a_legal_feature_and_no_legal_outcome():
    assert broken_by("user_order_seq", None) == []
    assert broken_by("outcome", None) == ["must be given"]


@pytest.mark.parametrize("source_type", ["DOUBLE", "VARCHAR", "DATE", "DECIMAL(18,3)", "BOOLEAN"])
def test_every_column_of_the_frame_but_texts_has_rules(source_type):
    ruled = {rule.column for rule in row_rules(dict.fromkeys(FRAME, source_type))}

    texts = {name for name in FRAME if BY_NAME[name].type == "text"}
    assert set(FRAME) - ruled <= texts | {"created_at", "user_id"}


def test_columns_outside_the_schema_have_no_rules():
    assert row_rules({"note": "VARCHAR"}) == []

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.model.shapley import LeafShares, Tree


@st.composite
def trees(draw):
    depth = draw(st.integers(0, 5))
    splits = tuple((draw(st.integers(0, 4)), level) for level in range(depth))
    leaves = draw(st.lists(st.floats(-9, 9), min_size=1 << depth, max_size=1 << depth))
    rows = draw(st.lists(st.integers(0, 5), min_size=1 << depth, max_size=1 << depth))
    return Tree(splits, tuple(leaves), tuple(map(float, rows)))


def expected_leaf(tree: Tree, leaf: int, known: set[int]) -> float:
    """Give the mean leaf of the training rows that answer the known inputs' questions alike."""
    bits = sum(1 << level for level, (index, _) in enumerate(tree.splits) if index in known)
    alike = [n for n in range(len(tree.leaves)) if n & bits == leaf & bits]
    rows = sum(tree.weights[n] for n in alike)
    if rows and len(alike) > 1:
        return sum(tree.leaves[n] * tree.weights[n] for n in alike) / rows
    return sum(tree.leaves[n] for n in alike) / len(alike)


def mean_over_orders(tree: Tree, leaf: int) -> dict[int, float]:
    """Work Shapley values out as they are defined: by walking every order."""
    inputs = {index for index, _ in tree.splits}
    orders = list(permutations(inputs))
    shares = dict.fromkeys(sorted(inputs), 0.0)
    for order in orders:
        known: set[int] = set()
        for index in order:
            before = expected_leaf(tree, leaf, known)
            known.add(index)
            shares[index] += (expected_leaf(tree, leaf, known) - before) / len(orders)
    return shares


@settings(max_examples=60)
@given(trees(), st.data())
def test_shares_are_the_mean_over_all_orders(tree, data):
    leaf = data.draw(st.integers(0, len(tree.leaves) - 1))
    shares = LeafShares(tree)

    found = dict(zip(shares.inputs, shares[leaf], strict=True))

    assert found == pytest.approx(mean_over_orders(tree, leaf), abs=1e-9)
    assert shares.mean == pytest.approx(expected_leaf(tree, leaf, set()), abs=1e-9)
    assert shares.mean + sum(shares[leaf]) == pytest.approx(tree.leaves[leaf], abs=1e-9)


def test_the_order_of_the_questions_favours_no_input():
    leaves, rows = (0.0, 4.0, 4.0, 8.0), (5.0, 2.0, 2.0, 1.0)
    one = LeafShares(Tree(((0, 0), (1, 0)), leaves, rows))
    other = LeafShares(Tree(((1, 0), (0, 0)), leaves, rows))

    assert one[3] == pytest.approx(other[3])
    assert one[3][0] == pytest.approx(one[3][1])


def test_shares_are_worked_out_once(monkeypatch):
    shares = LeafShares(Tree(((0, 0),), (1.0, 2.0), (1.0, 1.0)))
    first = shares[1]
    monkeypatch.setattr(LeafShares, "_share_out", None)  # working them out again would fail

    assert shares[1] is first

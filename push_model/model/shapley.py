"""Compute exact Shapley values of a symmetric tree, from the tree alone."""

from __future__ import annotations

from itertools import compress
from math import factorial
from typing import NamedTuple


class Tree(NamedTuple):
    """One symmetric tree: every node of a level asks the same question."""

    splits: tuple[tuple[int, int], ...]  # input and border; the answer to the ith is bit i
    leaves: tuple[float, ...]  # what each of the 2 ** len(splits) leaves adds
    weights: tuple[float, ...]  # training rows in each leaf


class LeafShares(dict[int, tuple[float, ...]]):
    """By leaf of one tree, what each input adds to `mean`, in the order of `inputs`.

    Notes
    -----
    A Shapley value is the change of the expected leaf when an input becomes known, averaged over
    all orders in which the inputs could become known (doi:10.1038/s42256-019-0138-9). The expected
    leaf, with some inputs known, is the mean leaf of the training rows that gave the same answers;
    a model carries their counts, not the rows. The shares add up to the leaf less the mean.

    A leaf's shares are computed when first needed and then kept: 2 ** k sums for k inputs. Two
    threads may both do so; they find the same.
    """

    def __init__(self, tree: Tree) -> None:
        # Those that the tree asks about, ascending.
        self.inputs = tuple(sorted({index for index, _ in tree.splits}))
        self._asks = [
            sum(1 << level for level, (index, _) in enumerate(tree.splits) if index == own)
            for own in self.inputs
        ]
        self._means = _means_by_known_inputs(tree, self._asks)
        self.mean = self._means[0][1][0]  # the expected leaf before any answer is known
        self._weights = _order_weights(len(self.inputs))

    def __missing__(self, leaf: int) -> tuple[float, ...]:
        shares = self[leaf] = self._share_out(leaf)
        return shares

    def _share_out(self, leaf: int) -> tuple[float, ...]:
        expected = [means[leaf & answered] for answered, means in self._means]
        # Over all sets of known inputs: with the input in it a set counts for it, without against.
        weighted = [both * mean for (both, _), mean in zip(self._weights, expected, strict=True)]
        against = sum(
            without * mean for (_, without), mean in zip(self._weights, expected, strict=True)
        )
        n_inputs = len(self.inputs)
        return tuple(
            sum(compress(weighted, _sets_with(place, n_inputs))) - against
            for place in range(n_inputs)
        )


def _means_by_known_inputs(tree: Tree, asks: list[int]) -> list[tuple[int, dict[int, float]]]:
    """Return for each set of inputs the bits they answer, and the mean leaf by those answers."""
    answered = [
        sum(asks[place] for place in range(len(asks)) if known >> place & 1)
        for known in range(1 << len(asks))
    ]
    totals = [
        (leaf * rows, rows, leaf, 1) for leaf, rows in zip(tree.leaves, tree.weights, strict=True)
    ]
    sums: list[dict[int, tuple[float, float, float, int]]] = [{} for _ in answered]
    sums[-1] = dict(enumerate(totals))
    for known in range(len(answered) - 2, -1, -1):
        more = known | (known + 1)  # the least input that is not known, known as well
        sums[known] = _forget(sums[more], answered[known])
    return [(bits, _means(found)) for bits, found in zip(answered, sums, strict=True)]


def _forget(
    sums: dict[int, tuple[float, float, float, int]], answered: int
) -> dict[int, tuple[float, float, float, int]]:
    merged: dict[int, tuple[float, float, float, int]] = {}
    for answers, (total, rows, plain, n) in sums.items():
        key = answers & answered
        if key in merged:
            total_, rows_, plain_, n_ = merged[key]
            merged[key] = total + total_, rows + rows_, plain + plain_, n + n_
        else:
            merged[key] = total, rows, plain, n
    return merged


def _means(sums: dict[int, tuple[float, float, float, int]]) -> dict[int, float]:
    # Leaves without any training row get equal weights.
    return {
        key: plain if n == 1 else (total / rows if rows > 0.0 else plain / n)
        for key, (total, rows, plain, n) in sums.items()
    }


def _order_weights(n_inputs: int) -> list[tuple[float, float]]:
    """Return for each set of known inputs its weight, with that of an input joining it and alone.

    An input joins a set of s others in ``s! (n - s - 1)! / n!`` of all orders.
    """
    joining = [
        factorial(size) * factorial(n_inputs - size - 1) / factorial(n_inputs)
        for size in range(n_inputs)
    ] + [0.0]
    sizes = [known.bit_count() for known in range(1 << n_inputs)]
    return [(joining[size] + (joining[size - 1] if size else 0.0), joining[size]) for size in sizes]


def _sets_with(place: int, n_inputs: int) -> list[int]:
    return [known >> place & 1 for known in range(1 << n_inputs)]

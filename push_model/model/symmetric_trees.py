"""Score and explain candidates with a forest of symmetric trees, without walking a tree.

A symmetric tree asks one question a level, so its leaf's number is just the answers written as
bits. For each input, one binary search among all borders the forest has for it finds a ready
mask: one byte a tree, holding the answers this value gives. The masks of all inputs OR-ed together
are the leaf numbers of all trees; no tree is walked.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from functools import reduce
from itertools import accumulate, chain, pairwise
from math import fsum, inf, isnan
from operator import getitem, itemgetter, or_
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError
from push_model.model.document import read_list, read_number, read_numbers, read_object
from push_model.model.shapley import LeafShares, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# A leaf's number must fit one byte.
DEEPEST = 8

# Leaf numbers computed at once, a byte each: memory stays flat however many rows come, and
# Python's cost per tree is paid seldom (with 0.5 MB a batch took a quarter longer).
CHUNK_BYTES = 1 << 22

# A forest holds one byte of answers for each of its borders and each of its trees. The largest that
# training makes (5,000 trees, 254 borders for each of 30 inputs) has half as many.
MOST_ANSWERS = 1 << 26


def _add_one_by_one(leaves: Iterable[float]) -> float:
    total = 0.0
    for leaf in leaves:
        total += leaf
    return total


# From Python 3.12 on sum() compensates for rounding, and a batch could not add the same way.
_add_up: Callable[[Iterable[float]], float] = sum if sys.version_info < (3, 12) else _add_one_by_one


class _MadeOnce:
    """An attribute made when first needed; threads that need it at once make the same.

    Not functools.cached_property: before Python 3.12 it holds a lock, and a fork that copies a held
    lock waits forever.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make, self._name = make, make.__name__

    def __get__(self, instance: Any, owner: type) -> Any:
        made = instance.__dict__[self._name] = self._make(instance)
        return made


class _Question(NamedTuple):
    """All questions of the forest about one input."""

    borders: tuple[float, ...]
    masks: tuple[int, ...]  # by how many borders lie below the value
    rank_if_missing: int


class _Arrays(NamedTuple):
    """The same, as NumPy reads it."""

    borders: list[Array]
    masks: list[NDArray[np.uint8]]  # each of shape (n_borders + 1, n_trees)
    leaves: list[Array]


class SymmetricTrees:
    """A forest, ready to score."""

    def __init__(
        self,
        trees: Sequence[Tree],
        borders: Sequence[tuple[float, ...]],
        missing_is_above: Sequence[bool],
        *,
        scale: float,
        bias: float,
    ) -> None:
        self._trees = tuple(trees)
        self._leaves = tuple(tree.leaves for tree in trees)
        self._scale, self._bias = scale, bias
        masks = _masks(self._trees, borders)
        self._questions = tuple(
            _Question(own, ready, len(own) if is_above else 0)
            for own, ready, is_above in zip(borders, masks, missing_is_above, strict=True)
        )
        self._borders = tuple(question.borders for question in self._questions)
        self._masks = tuple(question.masks for question in self._questions)
        self._is_any_missing_above = any(missing_is_above)

    @classmethod
    def from_document(cls, document: Any, *, n_inputs: int) -> SymmetricTrees:
        """Read the scorer of a model document."""
        keys = {"kind", "bias", "scale", "borders", "missing_is_above", "trees"}
        fields = read_object(document, keys, "scorer")
        borders = _read_borders(fields["borders"], n_inputs=n_inputs)
        trees = _read_trees(fields["trees"], borders)
        _check_size(n_borders=sum(map(len, borders)), n_trees=len(trees))
        return cls(
            trees,
            borders,
            _read_flags(fields["missing_is_above"], n_inputs=n_inputs),
            scale=read_number(fields["scale"], "scorer['scale']"),
            bias=read_number(fields["bias"], "scorer['bias']"),
        )

    def log_odds(self, inputs: Iterable[float]) -> float:
        """Score one candidate."""
        total = _add_up(map(getitem, self._leaves, self._leaf_numbers(inputs)))
        return self._scale * total + self._bias

    def log_odds_of_columns(self, columns: Sequence[Array]) -> Array:
        """Score many candidates with NumPy, to the same bits as one by one."""
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        n_rows = len(columns[0])
        sums = np.zeros(n_rows)
        chunk_rows = max(64, CHUNK_BYTES // max(1, len(self._trees)))
        for start in range(0, n_rows, chunk_rows):
            chunk = slice(start, start + chunk_rows)
            leaf_numbers = self._leaf_numbers_of_columns([column[chunk] for column in columns])
            with np.errstate(all="ignore"):  # plain Python overflows in silence, too
                for leaves, numbers in zip(self._arrays.leaves, leaf_numbers, strict=True):
                    sums[chunk] += leaves.take(numbers)
        with np.errstate(all="ignore"):
            log_odds: Array = self._scale * sums + self._bias
        return log_odds

    def contributions(self, inputs: Sequence[float]) -> tuple[float, list[float]]:
        """Return the log-odds of an average candidate, and what each input adds to them."""
        shares_by_tree = map(getitem, self._shares, self._leaf_numbers(inputs))
        shares = [*chain.from_iterable(shares_by_tree)]
        return self._base_value, [self._scale * sum(pick(shares)) for pick in self._pick_shares]

    def _leaf_numbers(self, inputs: Iterable[float]) -> bytes:
        if self._is_any_missing_above:
            inputs = [
                inf if question.rank_if_missing and isnan(value) else value
                for question, value in zip(self._questions, inputs, strict=True)
            ]
        # No border is below NaN, so the search puts it below them all: no to every question.
        ranks = map(bisect_left, self._borders, inputs)
        answers: int = reduce(or_, map(getitem, self._masks, ranks))
        return answers.to_bytes(len(self._leaves), "little")

    def _leaf_numbers_of_columns(self, columns: Sequence[Array]) -> NDArray[np.uint8]:
        """Return an array of shape (n_trees, n_rows)."""
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        answers = np.zeros((len(columns[0]), len(self._trees)), dtype=np.uint8)
        found = np.empty_like(answers)
        for question, borders, masks, column in zip(
            self._questions, self._arrays.borders, self._arrays.masks, columns, strict=True
        ):
            ranks = borders.searchsorted(column)
            ranks[np.isnan(column)] = question.rank_if_missing
            # Without `out` each input gets new memory from the system: twenty times as slow.
            masks.take(ranks, axis=0, out=found, mode="clip")
            answers |= found
        return np.ascontiguousarray(answers.T)

    @_MadeOnce
    def _arrays(self) -> _Arrays:
        """Make the same tables as arrays, on the first large batch."""
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        n_trees = len(self._trees)
        masks = [
            np.frombuffer(b"".join(m.to_bytes(n_trees, "little") for m in q.masks), np.uint8)
            for q in self._questions
        ]
        return _Arrays(
            [np.array(q.borders) for q in self._questions],
            [mask.reshape(-1, n_trees) for mask in masks],
            [np.array(leaves) for leaves in self._leaves],
        )

    @_MadeOnce
    def _shares(self) -> list[LeafShares]:
        return [LeafShares(tree) for tree in self._trees]

    @_MadeOnce
    def _pick_shares(self) -> list[Callable[[list[float]], Iterable[float]]]:
        """Make for each input a function that picks its shares out of those of all trees."""
        places: list[list[int]] = [[] for _ in self._questions]
        for place, index in enumerate(chain.from_iterable(tree.inputs for tree in self._shares)):
            places[index].append(place)
        return [_picker(own) for own in places]

    @_MadeOnce
    def _base_value(self) -> float:
        return self._scale * fsum(shares.mean for shares in self._shares) + self._bias


def _check_size(*, n_borders: int, n_trees: int) -> None:
    if n_borders * n_trees > MOST_ANSWERS:
        raise ModelFormatError(
            f"scorer must have at most {MOST_ANSWERS} borders times trees, "
            f"got {n_borders} borders and {n_trees} trees."
        )


def _picker(places: list[int]) -> Callable[[list[float]], Iterable[float]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda shares: [shares[place] for place in places]


def _masks(trees: Sequence[Tree], borders: Sequence[tuple[float, ...]]) -> list[tuple[int, ...]]:
    """Return all answers, as bits, for each input and each number of borders below a value."""
    yes = [[0] * len(own) for own in borders]
    for place, tree in enumerate(trees):
        for level, (index, border) in enumerate(tree.splits):
            yes[index][border] |= 1 << (8 * place + level)
    return [tuple(accumulate(bits, or_, initial=0)) for bits in yes]


def _read_borders(value: Any, *, n_inputs: int) -> list[tuple[float, ...]]:
    """Read the borders of a forest."""
    entries = read_list(value, "scorer['borders']", length=n_inputs)
    borders = [read_numbers(own, f"scorer['borders'][{i}]") for i, own in enumerate(entries)]
    for i, own in enumerate(borders):
        if any(lower >= upper for lower, upper in pairwise(own)):
            raise ModelFormatError(f"scorer['borders'][{i}] must be strictly increasing.")
    return borders


def _read_flags(value: Any, *, n_inputs: int) -> list[bool]:
    """Read by input whether missing values are above every border."""
    place = "scorer['missing_is_above']"
    flags = read_list(value, place, length=n_inputs)
    if not all(isinstance(flag, bool) for flag in flags):
        raise ModelFormatError(f"{place} must hold true and false only.")
    return flags


def _read_trees(value: Any, borders: Sequence[tuple[float, ...]]) -> list[Tree]:
    """Read the trees of a forest."""
    entries = read_list(value, "scorer['trees']")
    if not entries:
        raise ModelFormatError("scorer['trees'] must hold at least one tree.")
    return [_read_tree(tree, borders, f"scorer['trees'][{i}]") for i, tree in enumerate(entries)]


def _read_tree(value: Any, borders: Sequence[tuple[float, ...]], place: str) -> Tree:
    fields = read_object(value, {"splits", "leaves", "weights"}, place)
    splits = read_list(fields["splits"], f"{place}['splits']")
    if len(splits) > DEEPEST:
        raise ModelFormatError(f"{place} must ask at most {DEEPEST} questions, got {len(splits)}.")
    if not all(_is_split(split, borders) for split in splits):
        raise ModelFormatError(
            f"{place}['splits'] must be pairs of an input and one of its borders."
        )
    n_leaves = 1 << len(splits)
    weights = read_numbers(fields["weights"], f"{place}['weights']", length=n_leaves)
    if min(weights) < 0.0:
        raise ModelFormatError(f"{place}['weights'] must be counts of rows, none below 0.")
    leaves = read_numbers(fields["leaves"], f"{place}['leaves']", length=n_leaves)
    return Tree(tuple((index, border) for index, border in splits), leaves, weights)


def _is_split(split: Any, borders: Sequence[tuple[float, ...]]) -> bool:
    if not isinstance(split, list) or list(map(type, split)) != [int, int]:
        return False
    index, border = split
    return index in range(len(borders)) and border in range(len(borders[index]))

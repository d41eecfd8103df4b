"""What is one symmetric tree, and is this one? Its questions and its leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError
from push_model.model.checks import read_list, read_numbers, read_object

if TYPE_CHECKING:
    from collections.abc import Sequence

# A leaf's number must fit one byte.
DEEPEST = 8


class Tree(NamedTuple):
    """One symmetric tree.

    Attributes
    ----------
    splits : tuple of (int, int)
        Input and border of each question; the answer to question `i` is bit `i` of the leaf.
    leaves : tuple of float, length 2 ** len(splits)
        What each leaf adds.
    weights : tuple of float, length 2 ** len(splits)
        Training rows in each leaf.
    """

    splits: tuple[tuple[int, int], ...]
    leaves: tuple[float, ...]
    weights: tuple[float, ...]


def read_borders(value: Any, *, n_inputs: int) -> list[tuple[float, ...]]:
    """Read the borders of a forest."""
    entries = read_list(value, "scorer['borders']", length=n_inputs)
    borders = [read_numbers(own, f"scorer['borders'][{i}]") for i, own in enumerate(entries)]
    for i, own in enumerate(borders):
        if any(lower >= upper for lower, upper in pairwise(own)):
            raise ModelFormatError(f"scorer['borders'][{i}] must ascend.")
    return borders


def read_flags(value: Any, *, n_inputs: int) -> list[bool]:
    """Read whether missing values are above every border."""
    place = "scorer['missing_is_above']"
    flags = read_list(value, place, length=n_inputs)
    if not all(isinstance(flag, bool) for flag in flags):
        raise ModelFormatError(f"{place} must hold true and false only.")
    return flags


def read_trees(value: Any, borders: Sequence[tuple[float, ...]]) -> list[Tree]:
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

"""Pairs of inputs of the same class and of different classes."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

Indices = np.ndarray[Any, np.dtype[np.int64]]


class LabelPairs(NamedTuple):
    """Index pairs (i, j), i < j, int64 (n, 2): with equal labels, and with two different ones."""

    same: Indices
    different: Indices


def same_and_different_pairs(labels: Any, n: int, seed: int) -> LabelPairs:
    """Sample n pairs of inputs of one class and n pairs of two classes.

    Parameters
    ----------
    labels : array-like (inputs,)
        One label an input, of any kind that sorts.
    n : int
        Pairs of each kind.
    seed : int
        The same labels, n and seed give the same pairs.

    Returns
    -------
    pairs : LabelPairs(same, different), each int64 (n, 2) with i < j in a row
        Uniform among all unordered pairs of their kind, without repetition. An input may stand in
        several pairs.

    Raises
    ------
    ValueError : labels is not 1-d, n is negative, or there are fewer than n pairs of a kind.

    Notes
    -----
    O(inputs log inputs + n log inputs): pairs are numbered and their numbers drawn, never listed.

    """
    return draw_pairs(labels, n, n, seed)


def draw_pairs(labels: Any, n_same: int, n_different: int, seed: int) -> LabelPairs:
    """Sample pairs as `same_and_different_pairs` does, another number of each kind."""
    kinds = _kinds_of(labels)
    rng = np.random.default_rng(seed)
    same = _draw(rng, n_same, *kinds.same, "of the same class")
    different = _draw(rng, n_different, *kinds.different, "of different classes")
    return LabelPairs(
        *(np.sort(kinds.order[places], axis=1) for places in (same, different)),
    )


def count_different(labels: Any) -> int:
    """Return how many pairs of different classes there are."""
    begin, end = _kinds_of(labels).different
    return int((end - begin).sum())


class _Kinds(NamedTuple):
    """Inputs in the order of their classes, and the range of places that each is paired with."""

    order: Indices
    same: tuple[Indices, Indices]
    different: tuple[Indices, Indices]


def _kinds_of(labels: Any) -> _Kinds:
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels has shape {labels.shape}; wanted (inputs,), one label an input")
    order = np.argsort(labels, kind="stable")
    _, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    class_end = np.cumsum(sizes)[class_of[order]]
    place = np.arange(len(labels))
    # In the order of the classes, an input has the rest of its class after it, then all others.
    return _Kinds(order, (place + 1, class_end), (class_end, np.full_like(place, len(labels))))


def _draw(rng: np.random.Generator, n: int, begin: Indices, end: Indices, kind: str) -> Indices:
    """Draw n of all pairs (p, q) with begin[p] <= q < end[p], none twice: int64 (n, 2)."""
    n = operator.index(n)
    if n < 0:
        raise ValueError(f"n is {n}; wanted at least 0 pairs")
    before = np.concatenate([[0], np.cumsum(end - begin)])
    total = int(before[-1])
    if n > total:
        raise ValueError(f"n is {n} but labels has only {total} pairs {kind}")
    if n == 0:
        return np.empty((0, 2), np.int64)
    number = rng.choice(total, n, replace=False)
    p = np.searchsorted(before, number, side="right") - 1
    return np.stack([p, begin[p] + number - before[p]], axis=1)

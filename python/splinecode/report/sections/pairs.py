"""Pairs of inputs that several sections walk between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..section import Skipped, Subject


def pairs_apart(subject: Subject, n: int) -> NDArray[np.int64]:
    """Draw at most n pairs of inputs, int64 (pairs, 2): of different classes where there are some.

    Raises `Skipped` for fewer than two inputs.
    """
    if len(subject.inputs) < 2:
        raise Skipped("it needs two inputs")
    labels = np.arange(len(subject.inputs)) if subject.labels is None else subject.labels
    if pairs_of_kinds(labels)[1] == 0:
        labels = np.arange(len(labels))
    every = pairs_of_kinds(labels)[1]
    return _different(labels, min(n, every), subject.seed)


def pairs_of_kinds(labels: NDArray[np.generic]) -> tuple[int, int]:
    """Count the pairs of inputs of one class, and of two."""
    sizes = [int(size) for size in np.unique(labels, return_counts=True)[1]]
    same = sum(size * (size - 1) // 2 for size in sizes)
    return same, len(labels) * (len(labels) - 1) // 2 - same


def _different(labels: NDArray[np.generic], n: int, seed: int) -> NDArray[np.int64]:
    """Draw pairs of different classes alone: there may be none of one class."""
    rng = np.random.default_rng(seed)
    found: set[tuple[int, int]] = set()
    while len(found) < n:
        i, j = sorted(rng.integers(0, len(labels), 2).tolist())
        if labels[i] != labels[j]:
            found.add((i, j))
    return np.array(sorted(found), np.int64)

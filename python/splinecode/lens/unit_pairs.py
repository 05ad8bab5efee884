"""The units of a layer that most often fire together, and those that exclude each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import to_host
from ..codes import Codes
from ..units import cofiring
from .coded import layers_of

Ints = NDArray[np.int64]
Values = NDArray[np.float64]

_BLOCK = 1 << 20
"""Pairs scored at a time."""


class UnitPairs(NamedTuple):
    """Pairs of units of one layer, the most remarkable first.

    layer : int64 (pairs,), position among the layers
    units : int64 (pairs, 2), rising within a pair
    together, expected : int64 and float64 (pairs,)
        Inputs for which both are active; how many there would be if the two were independent.
    score : float64 (pairs,)
    """

    layer: Ints
    units: Ints
    together: Ints
    expected: NDArray[np.float64]
    score: NDArray[np.float64]


def best_pairs(codes: Codes, top: int) -> tuple[UnitPairs, UnitPairs]:
    """Return the `top` pairs of one layer by Jaccard similarity, and by mutual exclusivity.

    Units that are active for no input or for all are left out. Ties are ordered by layer and
    units, those of exclusivity first by how many inputs were expected for both.
    """
    together, exclusive = _Best(top), _Best(top)
    for layer, (_, part) in enumerate(layers_of(codes)):
        counts = to_host(cofiring(part))
        fires = np.diagonal(counts).astype(np.int64)
        varied = np.flatnonzero((fires > 0) & (fires < len(codes)))
        step = max(1, _BLOCK // max(1, len(varied)))
        for begin in range(0, len(varied), step):
            first = varied[begin : begin + step]
            i, j = np.nonzero(first[:, None] < varied)
            units = np.stack([first[i], varied[j]], axis=1)
            a, b = fires[units[:, 0]], fires[units[:, 1]]
            both = counts[units[:, 0], units[:, 1]].astype(np.int64)
            expected = a * (b / len(codes))
            found = UnitPairs(
                np.full(len(units), layer), units, both, expected, both / (a + b - both)
            )
            together.add(found, np.zeros(len(units)))
            exclusive.add(found._replace(score=1 - both / np.minimum(a, b)), expected)
    return together.pairs, exclusive.pairs


class _Best:
    """The best pairs so far, by score, then by a second key, then as they came."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._second = np.empty(0)
        none = np.empty(0, np.int64)
        self.pairs = UnitPairs(none, np.empty((0, 2), np.int64), none, np.empty(0), np.empty(0))

    def add(self, found: UnitPairs, second: Values) -> None:
        if self._top and len(self._second) == self._top:
            least, beside = self.pairs.score[-1], self._second[-1]
            better = (found.score > least) | ((found.score == least) & (second > beside))
            found, second = _rows(found, better), second[better]
        joined = (np.concatenate(parts) for parts in zip(self.pairs, found, strict=True))
        pairs, second = UnitPairs._make(joined), np.concatenate([self._second, second])
        order = np.lexsort((-second, -pairs.score))[: self._top]
        self.pairs, self._second = _rows(pairs, order), second[order]


def _rows(pairs: UnitPairs, rows: NDArray[np.bool_] | Ints) -> UnitPairs:
    return UnitPairs._make(part[rows] for part in pairs)

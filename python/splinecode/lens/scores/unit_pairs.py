"""The units of a layer that most often fire together, and those that exclude each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arrays import to_host
from ...codes import Codes
from ...units import cofiring
from ..coded import layers_of

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
    jaccard : float64 (pairs,)
        Inputs for which both are active over inputs for which either is.
    correlation : float64 (pairs,)
        Of the two bits, from -1 for units that are never in the same state to 1 for copies.
    """

    layer: Ints
    units: Ints
    together: Ints
    expected: NDArray[np.float64]
    jaccard: NDArray[np.float64]
    correlation: NDArray[np.float64]


def best_pairs(codes: Codes, top: int) -> tuple[UnitPairs, UnitPairs]:
    """Return the `top` pairs of one layer with the highest and with the lowest correlation.

    Units that are active for no input or for all are left out. Ties are ordered by layer and units.
    """
    highest, lowest = _none(), _none()
    for layer, (_, part) in enumerate(layers_of(codes)):
        counts = to_host(cofiring(part))
        fires = np.diagonal(counts).astype(np.int64)
        varied = np.flatnonzero((fires > 0) & (fires < len(codes)))
        step = max(1, _BLOCK // max(1, len(varied)))
        for begin in range(0, len(varied), step):
            first = varied[begin : begin + step]
            i, j = np.nonzero(first[:, None] < varied)
            units = np.stack([first[i], varied[j]], axis=1)
            found = _scored(layer, units, counts, fires, len(codes))
            highest, lowest = _best(highest, found, -1, top), _best(lowest, found, 1, top)
    return highest, lowest


def _scored(layer: int, units: Ints, counts: NDArray[np.int32], fires: Ints, n: int) -> UnitPairs:
    a, b = fires[units[:, 0]], fires[units[:, 1]]
    both = counts[units[:, 0], units[:, 1]].astype(np.int64)
    spread = np.sqrt((a * (n - a)).astype(np.float64) * (b * (n - b)))  # copies give exactly 1
    layers = np.full(len(units), layer)
    return UnitPairs(
        layers, units, both, a * (b / n), both / (a + b - both), (n * both - a * b) / spread
    )


def _best(so_far: UnitPairs, found: UnitPairs, sign: int, top: int) -> UnitPairs:
    """Keep the `top` pairs by sign * correlation, of equal ones those that came first."""
    if top and len(so_far.layer) == top:
        better = sign * found.correlation < sign * so_far.correlation[-1]
        found = _rows(found, better)
    joined = UnitPairs._make(np.concatenate(parts) for parts in zip(so_far, found, strict=True))
    return _rows(joined, np.argsort(sign * joined.correlation, kind="stable")[:top])


def _none() -> UnitPairs:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return UnitPairs(whole, np.empty((0, 2), np.int64), whole, real, real, real)


def _rows(pairs: UnitPairs, rows: NDArray[np.bool_] | Ints) -> UnitPairs:
    return UnitPairs._make(part[rows] for part in pairs)

"""Pairs of different classes that are as far apart as pairs of the same class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...arrays import Array, as_numpy
from ..statistics.effects import Values
from .distances import pair_distances
from .pairs import Indices, count_different, draw_pairs


class MatchedPairs(NamedTuple):
    """Pairs of the same class, and for each one of different classes at about its distance.

    same, different : int64 (m, 2), i < j in a row; row k of one matches row k of the other
    distance_same, distance_different : float64 (m,)
    unmatched : same-class pairs that nothing matched, which are left out
    """

    same: Indices
    different: Indices
    distance_same: Values
    distance_different: Values
    unmatched: int

    @property
    def mismatch(self) -> Values:
        """Relative difference of the distances, (different - same) / same: float64 (m,).

        0 where both are: at distance 0 nothing else matches.
        """
        gap, none = self.distance_different - self.distance_same, np.zeros(len(self.same))
        return np.divide(gap, self.distance_same, out=none, where=self.distance_same > 0)


def matched_pairs(
    labels: Any, inputs: Array, n: int, seed: int, *, caliper: float = 0.05, pool: int = 100
) -> MatchedPairs:
    """Sample n same-class pairs, and different-class pairs at the same distances.

    Boundary density divides by the distance, and inputs of one class lie closer together: without
    matching a difference in density can be a difference in distance.

    Parameters
    ----------
    labels : array-like (inputs,)
        One label an input, of any kind that sorts.
    inputs : real array (inputs, ...) on the CPU
        Distances are Euclidean, in float64.
    n : int
        Same-class pairs to draw: uniform among all, without repetition.
    seed : int
    caliper : float
        A pair d' matches d where abs(d' - d) <= caliper * d.
    pool : int
        Different-class pairs that are drawn and measured for each same-class pair.

    Returns
    -------
    pairs : MatchedPairs, at most n of each kind
        `mismatch` says how far apart the distances still are, `unmatched` how many same-class pairs
        found no partner: those that are closer together than different classes come, mostly, so
        that the pairs left no longer stand for all of their class.

    Raises
    ------
    ValueError : labels and inputs of another number, fewer than n pairs of the same class, NaN or
        inf, a caliper or pool that cannot be, or no match at all.

    Notes
    -----
    Same-class pairs choose in the (random) order they were drawn in: each takes the nearest
    different-class pair of the pool that is not taken yet. O(pool n numbers of an input) for the
    distances, O(pool n log(pool n)) for the rest.

    """
    labels, rows = np.asarray(labels), as_numpy(inputs, "inputs")
    if labels.shape != rows.shape[:1]:
        raise ValueError(
            f"labels has shape {labels.shape} and inputs {rows.shape}; wanted one label an input"
        )
    if not 0 <= caliper < np.inf:
        raise ValueError(f"caliper is {caliper}; wanted a share of the distance, at least 0")
    if pool < 1:
        raise ValueError(f"pool is {pool}; wanted at least 1 pair for each to match")
    same, different = draw_pairs(labels, n, min(pool * n, count_different(labels)), seed)
    wanted, offered = pair_distances(rows, same), pair_distances(rows, different)
    if not (np.isfinite(wanted).all() and np.isfinite(offered).all()):
        raise ValueError(
            "inputs holds NaN or inf, or is too large to measure; wanted finite numbers"
        )
    taken = _nearest_unused(wanted, offered, caliper)
    kept = np.flatnonzero(taken >= 0)
    if n > 0 and len(kept) == 0:
        raise ValueError(
            f"no different-class pair of {len(different)} is within {caliper:.1%} of the distance "
            f"of any of {n} same-class pairs; wanted a wider caliper, or a larger pool"
        )
    chosen = taken[kept]
    return MatchedPairs(
        same[kept], different[chosen], wanted[kept], offered[chosen], len(same) - len(kept)
    )


def _nearest_unused(wanted: Values, offered: Values, caliper: float) -> Indices:
    """Return for each number, in turn, the nearest one not yet taken within the caliper, or -1.

    Of two as near the lower. Taken places point on to the next free one, with paths halved.
    """
    order = np.argsort(offered, kind="stable")
    values = np.concatenate([[-np.inf], offered[order], [np.inf]])
    left: dict[int, int] = {}
    right: dict[int, int] = {}
    taken = np.full(len(wanted), -1, np.int64)
    places = np.searchsorted(values[1:-1], wanted) + 1
    for k, (value, place) in enumerate(zip(wanted.tolist(), places.tolist(), strict=True)):
        low, high = _free(left, place - 1), _free(right, place)
        best = low if value - values[low] <= values[high] - value else high
        if abs(values[best] - value) <= caliper * value:
            taken[k] = order[best - 1]
            left[best], right[best] = best - 1, best + 1
    return taken


def _free(onward: dict[int, int], place: int) -> int:
    """Follow where taken places point; what is not among them is free."""
    while (following := onward.get(place)) is not None:
        if (beyond := onward.get(following)) is not None:
            onward[place] = beyond
        place = following
    return place

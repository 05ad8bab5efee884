"""The ways to search among packed codes on the CPU, and the choice between them.

Answers never depend on the way: only time does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from .arrays import Array

ALGORITHMS = ("auto", "brute", "pruned", "hash")

Stats = dict[str, Any]

_LEAST_PAIRS = 1 << 27
"""Pairs asked about since fitting below which brute force ends before a sample would be through."""
_WORTH = 0.8
"""Share of brute force's time, by a sample, from which on an index is not worth it."""
_MOST_PRUNED_BITS = 65_534
_LEAST_PART_BITS = 16

# Nanoseconds on one Zen 3 core with AVX2. They decide the way, never the answer.
_BRUTE_NS = 0.08
"""Brute force, for a word of a query and a code."""
_PRUNED_MAKING_NS = 80
"""Making the index of "pruned", for a word of the codes."""
_HASH_MAKING_NS, _HASH_PART_MAKING_NS = 230, 25
"""Making the index of "hash", for a code and for each part of it."""
_QUERY_NS, _PART_NS, _CANDIDATE_NS = 400, 100, 60
"""Hashing a query, looking up a part of it, and comparing a candidate."""


class CpuSearch:
    """Exact search in the words (n, w) of fitted codes.

    "auto" makes an index when it pays: once the queries asked so far, of which a sample tells what
    share of brute force's time they would take through it, have earned it.
    """

    def __init__(self, words: Array) -> None:
        self._words = words
        self._indices: dict[str, Any] = {}
        self._shares: dict[tuple[str, int], dict[str, float]] = {}
        self._queries = 0

    def nearest(
        self, queries: Array | None, algorithm: str, distances: Array, indices: Array
    ) -> Stats:
        """Fill distances and indices (m, k). Without queries: of the codes, self excluded.

        Nearest codes are not found by hashing: "hash" is taken as "auto".
        """
        asked, alone = self._asked(queries)
        k = int(distances.shape[1])
        way = self._way("auto" if algorithm == "hash" else algorithm, asked, "k", k)
        if way == "pruned":
            stats = self._index(way, 0).top_k(queries, alone, distances, indices)
            return {"algorithm": way, **stats}
        _core.top_k(asked, self._words, alone, distances, indices)
        return self._all_pairs(asked)

    def within(
        self, queries: Array | None, radius: int, algorithm: str
    ) -> tuple[tuple[Array, Array, Array], Stats]:
        """Return (offsets, indices, distances) of the lists within the radius, and the stats."""
        asked, alone = self._asked(queries)
        way = self._way(algorithm, asked, "radius", radius)
        if way == "brute":
            lists = _core.within_radius(asked, self._words, radius, alone)
            return lists, self._all_pairs(asked)
        offsets, indices, distances, stats = self._index(way, radius).within_radius(
            queries, radius, alone
        )
        return (offsets, indices, distances), {"algorithm": way, **stats}

    def counts(self, queries: Array | None, radius: int, algorithm: str) -> tuple[Array, Stats]:
        """Return how many codes lie within the radius of each query, int64 (m,), and the stats."""
        asked, alone = self._asked(queries)
        out = np.empty(len(asked), dtype=np.int64)
        way = self._way(algorithm, asked, "radius", radius)
        if way == "brute":
            _core.count_within(asked, self._words, radius, alone, out)
            return out, self._all_pairs(asked)
        stats = self._index(way, radius).count_within(queries, radius, alone, out)
        return out, {"algorithm": way, **stats}

    def _asked(self, queries: Array | None) -> tuple[Array, bool]:
        return (self._words, True) if queries is None else (queries, False)

    def _way(self, algorithm: str, queries: Array, measure: str, value: int) -> str:
        """Choose how to search; `value` is that of k or the radius."""
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm is {algorithm!r}; wanted one of {ALGORITHMS}")
        if algorithm != "auto":
            return algorithm
        self._queries += len(queries)
        if self._queries * len(self._words) < _LEAST_PAIRS or len(queries) == 0:
            return "brute"
        key = (measure, value)
        if key not in self._shares:
            self._shares[key] = self._sampled_shares(queries, measure, value)
        shares = {way: x for way, x in self._shares[key].items() if x < _WORTH}
        way = min(shares, key=lambda name: shares[name], default="brute")
        if way == "brute" or self._made(way, value):
            return way
        earned = self._queries * (1 - shares[way]) * _BRUTE_NS * self._words.shape[1]
        return way if earned >= self._making_ns(way, value) else "brute"

    def _sampled_shares(self, queries: Array, measure: str, value: int) -> dict[str, float]:
        """Measure on samples what share of brute force's time the other ways would take."""
        shares = {}
        bits = 64 * int(self._words.shape[1])
        if bits <= _MOST_PRUNED_BITS:
            sampled = _core.sampled_share if measure == "k" else _core.sampled_radius_share
            shares["pruned"] = sampled(queries, self._words, value)
        if measure == "radius" and bits >= _LEAST_PART_BITS * (value + 1):
            own = None if queries is self._words else queries
            candidates = _core.sampled_candidates(own, self._words, value)
            brute_ns = _BRUTE_NS * len(self._words) * self._words.shape[1]
            query_ns = _QUERY_NS + _PART_NS * (value + 1) + _CANDIDATE_NS * candidates
            shares["hash"] = query_ns / brute_ns
        return shares

    def _making_ns(self, way: str, radius: int) -> float:
        """Return the time to make an index, for each of the codes."""
        if way == "pruned":
            return float(_PRUNED_MAKING_NS * self._words.shape[1])
        return float(_HASH_MAKING_NS + _HASH_PART_MAKING_NS * (radius + 1))

    def _made(self, way: str, radius: int) -> bool:
        index = self._indices.get(way)
        return index is not None and (way != "hash" or index.radius == radius)

    def _index(self, way: str, radius: int) -> Any:
        if not self._made(way, radius):
            self._indices[way] = (
                _core.PrunedIndex(self._words)
                if way == "pruned"
                else _core.MultiIndex(self._words, radius)
            )
        return self._indices[way]

    def _all_pairs(self, queries: Array) -> Stats:
        pairs = len(queries) * len(self._words)
        return {
            "algorithm": "brute",
            "pairs": pairs,
            "pairs_ruled_out": 0,
            "distances_computed": pairs,
            "words_read": pairs * int(self._words.shape[1]),
            "bits_dropped": 0,
        }

"""HDBSCAN over codes, in the Hamming or the Jaccard distance."""

from __future__ import annotations

import numpy as np

from ...clustering import hdbscan
from ...codes import Codes
from ...hamming import hamming_matrix
from ...memory import need_room
from ...similarity import jaccard_similarity_matrix
from ...soft import expected_hamming_matrix
from ...units import firing_rates
from .method import Groups, Ints, Method, by_medoid
from .package import clusters_of, packaged

JACCARD_LIMIT = 10_000
"""Codes whose Jaccard distances are clustered: by a matrix of float64, and copies of it."""

_ROWS = 1024
"""Codes whose bits are expanded at a time."""


class HammingClusters(Method):
    """HDBSCAN of codes by `splinecode.hdbscan`; examples are near the medoid."""

    name = "codes, Hamming"

    def __init__(self, codes: Codes, min_cluster_size: int, min_samples: int | None) -> None:
        self._codes = codes
        self._size, self._samples = min_cluster_size, min_samples

    def group(self, rows: Ints) -> Groups:
        """Cluster codes; a single one is noise."""
        if len(rows) < 2:
            return clusters_of(np.full(len(rows), -1), np.empty(0))
        samples = None if self._samples is None else min(self._samples, len(rows) - 1)
        found = hdbscan(self._codes[rows], min_cluster_size=self._size, min_samples=samples)
        return clusters_of(found.labels, found.persistence)

    def ranked(self, groups: Groups, group: int) -> Ints:
        """Order by Hamming distance to the medoid."""
        members = np.flatnonzero(groups.labels == group)
        codes = self._codes[members]
        return by_medoid(
            members, _total_distances(codes), lambda i: hamming_matrix(codes, codes[[i]])[:, 0]
        )


class JaccardClusters(Method):
    """HDBSCAN of codes on the matrix of Jaccard distances; examples are near the medoid."""

    name = "codes, Jaccard"

    def __init__(self, codes: Codes, min_cluster_size: int, min_samples: int | None) -> None:
        n = len(codes)
        if n > JACCARD_LIMIT:
            raise ValueError(
                f"the Jaccard distance takes a matrix, and there are {n:,} inputs; wanted at most "
                f"{JACCARD_LIMIT:,}: pass fewer, or metrics=('hamming',)"
            )
        need_room((n, n), 6 * 8, f"clustering by a matrix of {n} x {n} Jaccard distances")
        self._distances = 1 - jaccard_similarity_matrix(codes)
        self._size, self._samples = min_cluster_size, min_samples

    def group(self, rows: Ints) -> Groups:
        """Cluster codes by their distances."""
        distances = self._distances[np.ix_(rows, rows)]
        return packaged(distances, self._size, self._samples, metric="precomputed")

    def ranked(self, groups: Groups, group: int) -> Ints:
        """Order by Jaccard distance to the medoid."""
        members = np.flatnonzero(groups.labels == group)
        inside = self._distances[np.ix_(members, members)]
        return by_medoid(members, inside.sum(axis=1), lambda i: inside[:, i])


def _total_distances(codes: Codes) -> Ints:
    """Return every code's Hamming distance to all of them together, without a matrix of them."""
    rates = np.asarray(firing_rates(codes))[None]
    parts = [
        expected_hamming_matrix(codes[begin : begin + _ROWS].bits().astype(np.float64), rates)
        for begin in range(0, len(codes), _ROWS)
    ]
    totals: Ints = np.rint(np.concatenate(parts)[:, 0] * len(codes)).astype(np.int64)
    return totals

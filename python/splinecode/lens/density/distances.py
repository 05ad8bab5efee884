"""Euclidean distances of pairs of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..statistics.effects import Values
from .pairs import Indices

_CHUNK_BYTES = 1 << 20
"""Of the rows of pairs that are gathered at once: they stay in the cache."""


def pair_distances(inputs: np.ndarray[Any, Any], pairs: Indices) -> Values:
    """Return ||x_i - x_j||_2 of pairs (i, j), in float64.

    Parameters
    ----------
    inputs : real array (n, ...)
    pairs : int64 (pairs, 2)

    Returns
    -------
    distances : float64 (pairs,)

    Notes
    -----
    O(pairs * numbers of an input), with about 1 MiB of scratch.

    """
    rows = inputs.reshape(len(inputs), -1)
    distances = np.empty(len(pairs))
    step = max(1, _CHUNK_BYTES // max(8 * rows.shape[1], 1))
    for start in range(0, len(pairs), step):
        left, right = pairs[start : start + step].T
        gap = rows[left].astype(np.float64)
        gap -= rows[right]
        np.sqrt(np.einsum("ij,ij->i", gap, gap), out=distances[start : start + step])
    return distances

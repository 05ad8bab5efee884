"""Do nearest digits share a label? Hamming neighbours of codes beside Euclidean ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from ..codes import Codes
from ..neighbors import HammingNeighbors

Shares = np.ndarray[Any, np.dtype[np.float64]]

HAMMING, PRE, POST = "Hamming, codes", "Euclidean, z", "Euclidean, relu(z)"


def hamming_agreement(codes: Codes, labels: Tensor, ranks: int) -> Shares:
    """Share of inputs whose neighbour of rank 1, 2, ... has their label: float64 (ranks,)."""
    neighbours = HammingNeighbors(ranks).fit(codes).kneighbors(return_distance=False)
    return _agreement(np.asarray(neighbours), labels)


def euclidean_agreement(points: Tensor, labels: Tensor, ranks: int) -> Shares:
    """Return what `hamming_agreement` does, for Euclidean neighbours of points (n, units)."""
    search = NearestNeighbors(n_neighbors=ranks, algorithm="brute").fit(points.numpy())
    return _agreement(search.kneighbors(return_distance=False), labels)


def _agreement(neighbours: np.ndarray[Any, Any], labels: Tensor) -> Shares:
    own = labels.numpy()
    shares: Shares = (own[neighbours] == own[:, None]).mean(axis=0)
    return shares


def agreement_by_layer(
    codes: Codes, pre_activations: dict[str, Tensor], labels: Tensor, ranks: int
) -> dict[str, dict[str, Shares]]:
    """Agreement by layer and metric, and for "all layers" side by side."""
    found = {}
    for name, z in pre_activations.items():
        found[name] = _metrics(codes.layer(name), z, labels, ranks)
    together = np.concatenate([z.numpy() for z in pre_activations.values()], axis=1)
    found["all layers"] = _metrics(codes, Tensor(together), labels, ranks)
    return found


def _metrics(codes: Codes, z: Tensor, labels: Tensor, ranks: int) -> dict[str, Shares]:
    return {
        HAMMING: hamming_agreement(codes, labels, ranks),
        PRE: euclidean_agreement(z, labels, ranks),
        POST: euclidean_agreement(z.clamp(min=0), labels, ranks),
    }


def chance(labels: Tensor) -> float:
    """Share of random neighbours that have the query's label."""
    sizes = np.bincount(labels.numpy())
    return float((sizes * (sizes - 1)).sum() / (len(labels) * (len(labels) - 1)))

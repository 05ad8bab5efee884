"""HDBSCAN by the package of that name, where distances are not Hamming's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...runtime import get_threads
from .method import Groups, Ints, Values, optional


def packaged(points: Values, min_cluster_size: int, min_samples: int | None, metric: str) -> Groups:
    """Cluster points (rows, columns), or by their distances if the metric is "precomputed"."""
    package = optional("hdbscan")
    if len(points) < 2:
        return clusters_of(np.full(len(points), -1), np.empty(0))
    estimator = package.HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        metric=metric,
        approx_min_span_tree=False,
        core_dist_n_jobs=get_threads(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a name that scikit-learn changed
        found = estimator.fit(points)
    return clusters_of(found.labels_, found.cluster_persistence_)


def clusters_of(labels: Any, persistence: Any) -> Groups:
    """Return what HDBSCAN found, clusters named by number."""
    values: Ints = np.asarray(labels, dtype=np.int64)
    names = tuple(f"cluster {i}" for i in range(len(persistence)))
    return Groups(values, names, np.asarray(persistence, dtype=np.float64))

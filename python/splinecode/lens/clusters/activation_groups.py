"""Groups of activations: HDBSCAN, and the directions of NMF, PCA and the neurons themselves."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .method import Groups, Ints, Method, Values, by_medoid, optional
from .package import packaged

_NMF_STEPS = 500

_SMALL = 1 << 22
"""Activations whose products are too small for threads: where other work shares two processors,
NMF of 1,797 x 64 took 5 to 13 times as long on two threads as on one."""


class EuclideanClusters(Method):
    """HDBSCAN of activations by the hdbscan package; examples are near the medoid.

    The medoid has the least sum of *squared* distances, as the member nearest to the mean has.
    """

    name = "activations, Euclidean"

    def __init__(self, activations: Values, min_cluster_size: int, min_samples: int | None) -> None:
        self._activations = activations
        self._size, self._samples = min_cluster_size, min_samples

    def group(self, rows: Ints) -> Groups:
        """Cluster activations."""
        return packaged(self._activations[rows], self._size, self._samples, metric="euclidean")

    def ranked(self, groups: Groups, group: int) -> Ints:
        """Order by Euclidean distance to the medoid."""
        members = np.flatnonzero(groups.labels == group)
        points = self._activations[members]
        to_mean = np.linalg.norm(points - points.mean(axis=0), axis=1)
        return by_medoid(members, to_mean, lambda i: np.linalg.norm(points - points[i], axis=1))


class _Directions(Method):
    """Every input is in the group of the direction that explains most of it."""

    def __init__(self, activations: Values) -> None:
        self._activations = activations

    def ranked(self, groups: Groups, group: int) -> Ints:
        """Order by strength, the strongest first."""
        assert groups.strength is not None
        members = np.flatnonzero(groups.labels == group)
        return members[np.argsort(-groups.strength[members], kind="stable")]


class NmfDirections(_Directions):
    """Parts of a non-negative factorisation of the activations' positive part.

    Attributes
    ----------
    unfinished : int
        Fits that were stopped before they converged.

    """

    name = "NMF directions"
    unfinished = 0

    def __init__(self, activations: Values, directions: int, seed: int) -> None:
        super().__init__(np.maximum(activations, 0))
        self._directions, self._seed = directions, seed

    def group(self, rows: Ints) -> Groups:
        """Factor activations; the strength of a part is the norm of what it adds to an input."""
        values = self._activations[rows]
        k = min(self._directions, *values.shape)
        if k == 0 or not values.any():
            return _strongest(np.zeros((len(rows), 1)), ["part 0"])
        model = optional("sklearn.decomposition").NMF(
            k, init="nndsvda", max_iter=_NMF_STEPS, random_state=self._seed
        )
        with warnings.catch_warnings(), _threads_worth(values):
            warnings.simplefilter("ignore", optional("sklearn.exceptions").ConvergenceWarning)
            weights = model.fit_transform(values)
        self.unfinished += model.n_iter_ == _NMF_STEPS
        strength = weights * np.linalg.norm(model.components_, axis=1)
        return _strongest(strength, [f"part {i}" for i in range(k)])


class PcaDirections(_Directions):
    """Principal components, either end of one a direction: half as many components as asked for."""

    name = "PCA directions"

    def __init__(self, activations: Values, directions: int, seed: int) -> None:
        super().__init__(activations)
        self._directions, self._seed = directions, seed

    def group(self, rows: Ints) -> Groups:
        """Find components; the strength of one is the length of an input along it."""
        values = self._activations[rows]
        k = min(-(-self._directions // 2), *values.shape)
        if k == 0 or (values == values[0]).all():
            return _strongest(np.zeros((len(rows), 1)), ["component 0 +"])
        model = optional("sklearn.decomposition").PCA(k, random_state=self._seed)
        with _threads_worth(values):
            scores = model.fit_transform(values)
        strength = np.stack([scores, -scores], axis=2).reshape(len(rows), 2 * k)
        return _strongest(strength, [f"component {i} {end}" for i in range(k) for end in "+-"])


class Neurons(_Directions):
    """The units themselves, as a basis to compare with: an input goes to its most active one."""

    name = "neurons"
    fixed = True

    def group(self, rows: Ints) -> Groups:
        """Take the most active unit."""
        values = self._activations[rows]
        return _strongest(values, [f"unit {i}" for i in range(values.shape[1])])


def _threads_worth(values: Values) -> AbstractContextManager[Any]:
    """Keep small matrix products to one thread inside a ``with`` block."""
    if values.size > _SMALL:
        return nullcontext()
    limits: AbstractContextManager[Any] = optional("threadpoolctl").threadpool_limits(1, "blas")
    return limits


def _strongest(strength: Values, names: list[str]) -> Groups:
    """Assign to the greatest strength above 0, and keep the directions that have an input."""
    if strength.shape[1] == 0:
        strength = np.zeros((len(strength), 1))
    best = strength.argmax(axis=1)
    most = strength[np.arange(len(strength)), best]
    best[most <= 0] = -1
    used, labels = np.unique(best[best >= 0], return_inverse=True)
    best[best >= 0] = labels
    nan = np.full(len(used), np.nan)
    return Groups(best.astype(np.int64), tuple(names[i] for i in used), nan, most)

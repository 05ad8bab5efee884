"""Is a group of inputs about one thing? Asked of several ways of grouping, side by side."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Array
from ...progress import progress_bar
from ..coded import need_some_codes
from ..occupancy.purity import need_shuffles
from .activation_groups import EuclideanClusters, Neurons, NmfDirections, PcaDirections
from .captured import codes_and_activations
from .code_clusters import HammingClusters, JaccardClusters
from .labelled import label_agreement
from .method import Ints, Method
from .result import Grouping, Monosemanticity
from .stability import resampled

_METRICS: dict[str, type[HammingClusters] | type[JaccardClusters]] = {
    "hamming": HammingClusters,
    "jaccard": JaccardClusters,
}


def monosemanticity(
    subject: Any,
    inputs: Array | Iterable[Any] | None = None,
    labels: Any = None,
    *,
    activations: Any = None,
    layer: str | None = None,
    min_cluster_size: int = 15,
    min_samples: int | None = None,
    metrics: Sequence[str] = ("hamming", "jaccard"),
    directions: int | None = None,
    top: int = 10,
    resamples: int = 10,
    share: float = 0.8,
    shuffles: int = 100,
    seed: int = 0,
    batch_size: int = 256,
    progress: bool = False,
) -> Monosemanticity:
    """Group inputs by polytopes, activations, directions and neurons; ask what is in each group.

    HDBSCAN over codes (Hamming and Jaccard distance), HDBSCAN over activations (Euclidean), NMF
    and PCA directions and single neurons, side by side: how pure the groups are beside chance, how
    stable, and which inputs show best what a group is about.

    Parameters
    ----------
    subject : torch.nn.Module in evaluation mode, what torch.export made of one, or Codes
    inputs : array or iterable of batches, for a model
        A loader of (batch, labels) pairs gives labels too.
    labels : array-like (n,), optional
        Without them there are no purities.
    activations : array (n, units), optional, for codes
        Without them only codes are grouped.
    layer : str
        For a model the name of a module: its output are the activations, and the codes are those
        of `spline_codes`, which takes the input of an activation module and the output of any
        other. For codes a layer; None for all of them side by side.
    min_cluster_size, min_samples : as in `splinecode.hdbscan`, for all three clusterings
    metrics : of "hamming", "jaccard"
        Distances of codes; Jaccard takes a matrix, and at most 10,000 inputs.
    directions : int, optional
        NMF and PCA directions; None for as many as the first clustering has clusters, at least 2.
    top : int
        Examples of each group.
    resamples, share : int and float
        Subsamples that are grouped anew, for stability, and the share of the inputs in each.
    shuffles : int
        Shuffles of the labels, for the chance level of purity.
    seed : int
        Of subsamples, shuffles, NMF and PCA.
    batch_size : as in `spline_codes`
    progress : bool
        Show progress bars (needs tqdm).

    Returns
    -------
    Monosemanticity

    Raises
    ------
    ImportError : hdbscan or scikit-learn is missing: extra `[lens]`.
    TypeError, ValueError, KeyError : no codes; another number of labels or activations; NaN or inf;
        a layer that is none; a metric or number that cannot be; too many inputs for Jaccard.

    Notes
    -----
    After arXiv:2211.12312, which clusters activations and spline codes by HDBSCAN, with NMF and PCA
    directions beside them (as field notes of this project put it; the scores here are ours).
    An input belongs to the direction that adds most to its activations: to the part of NMF with the
    largest weight times norm (over the positive part of the activations), to the end of a principal
    component along which it is longest, to the most active neuron. Principal components have two
    ends, so half as many of them are taken. Groups that are many and small look pure: compare what
    is left after chance, and adjusted mutual information (AMI), not purity. Clusters leave out
    noise, directions nothing: compare AMI with noise.
    Inputs of one code lie at distance 0, a cluster of infinite density and persistence 1; where
    `work` counts many of them, as on layers of few units, clusters of codes are mostly single
    polytopes, and what lies around them is noise.
    Stability leaves out 1 - share of the inputs and groups the rest with the same options.
    Time: that of ``resamples + 1`` clusterings each, of which the Euclidean one in high dimensions
    is the slowest, O(n^2 units). Activations are held as float64 (n, units).

    """
    _check(min_cluster_size, min_samples, metrics, directions, top, resamples, share)
    need_shuffles(shuffles)
    codes, values, labels = codes_and_activations(
        subject, inputs, labels, activations, layer, batch_size=batch_size, progress=progress
    )
    need_some_codes(codes, "codes")
    if values is None and not metrics:
        raise ValueError("metrics is empty and there are no activations; wanted some way to group")
    rng = np.random.default_rng(seed)
    size = max(1, round(share * len(codes)))
    subsamples = [
        np.sort(rng.choice(len(codes), size, replace=False)).astype(np.int64)
        for _ in range(resamples)
    ]
    with progress_bar(len(metrics) + 4 * (values is not None), "groupings", progress) as advance:
        found = _Comparison(len(codes), labels, subsamples, shuffles, top, rng)

        def add(method: Method) -> None:
            found.add(method)
            advance(1)

        for metric in metrics:
            add(_METRICS[metric](codes, min_cluster_size, min_samples))
        if values is not None:
            add(EuclideanClusters(values, min_cluster_size, min_samples))
            wanted = directions or max(2, len(found.groupings[0].groups))
            nmf = NmfDirections(values, wanted, seed)
            add(nmf)
            add(PcaDirections(values, wanted, seed))
            add(Neurons(values))
            found.work["NMF fits that did not converge"] = nmf.unfinished
    _, inverse, copies = codes.unique()
    return Monosemanticity(
        tuple(found.groupings),
        codes.n_bits,
        labels,
        {
            "inputs": len(codes),
            "inputs that share their code": int((copies[inverse] > 1).sum()),
            **found.work,
        },
    )


class _Comparison:
    """Groups inputs in one way after the other."""

    def __init__(
        self,
        n: int,
        labels: NDArray[Any] | None,
        subsamples: list[Ints],
        shuffles: int,
        top: int,
        rng: np.random.Generator,
    ) -> None:
        self._all, self._labels, self._subsamples = np.arange(n), labels, subsamples
        self._shuffles, self._top, self._rng = shuffles, top, rng
        self.groupings: list[Grouping] = []
        self.work = {"groupings": 0}

    def add(self, method: Method) -> None:
        """Group all inputs, and every subsample unless there is nothing to be stable about."""
        groups = method.group(self._all)
        subsamples = [] if method.fixed else self._subsamples
        stable = resampled(method, groups, subsamples)
        self.work["groupings"] += 1 + len(subsamples)
        number = len(groups.names)
        agreement = None
        if self._labels is not None:
            agreement = label_agreement(groups, self._labels, self._shuffles, self._rng)
        self.groupings.append(
            Grouping(
                method.name,
                groups.labels,
                groups.names,
                np.bincount(groups.labels[groups.labels >= 0], minlength=number),
                groups.persistence,
                stable.jaccard,
                stable.rand,
                tuple(method.ranked(groups, i)[: self._top] for i in range(number)),
                agreement,
            )
        )


def _check(
    min_cluster_size: int,
    min_samples: int | None,
    metrics: Sequence[str],
    directions: int | None,
    top: int,
    resamples: int,
    share: float,
) -> None:
    least = {
        "min_cluster_size": (min_cluster_size, 2),
        "top": (top, 0),
        "resamples": (resamples, 0),
    }
    if min_samples is not None:
        least["min_samples"] = (min_samples, 1)
    if directions is not None:
        least["directions"] = (directions, 1)
    for name, (value, at_least) in least.items():
        if operator.index(value) < at_least:
            raise ValueError(f"{name} is {value}; wanted at least {at_least}")
    if isinstance(metrics, str) or not set(metrics) <= set(_METRICS):
        raise ValueError(f"metrics is {metrics!r}; wanted a tuple of {tuple(_METRICS)}")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; wanted more than 0 and at most 1")

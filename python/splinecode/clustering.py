"""Minimum spanning trees and HDBSCAN of spline codes, without the matrix of their distances."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arrays import Array, as_numpy, from_numpy, library_of
from .codes import Codes
from .hamming import words_of
from .neighbors import HammingNeighbors

_LIST_LENGTH = 16
"""Neighbours listed for a tree: enough that few components are left to search, little to keep."""

_METHODS = ("eom", "leaf")


class SpanningTree(NamedTuple):
    """A minimum spanning tree: its edges, lightest first.

    ``edges`` is int64 (n - 1, 2) with the lower index first, ``weights`` int32 (n - 1,).
    """

    edges: Array
    weights: Array


class Clustering(NamedTuple):
    """What `hdbscan` found.

    ``labels`` is int64 (n,), -1 for noise; ``probabilities`` float64 (n,), how strongly each code
    belongs to its cluster; ``persistence`` float64 (clusters,). The trees of the hdbscan package,
    `hdbscan.plots.CondensedTree` and `SingleLinkageTree`, draw and export themselves; their
    distances are counts of units.
    """

    labels: Array
    probabilities: Array
    persistence: Array
    condensed_tree: Any
    single_linkage_tree: Any
    spanning_tree: SpanningTree


def hamming_mst(codes: Codes | Array, *, min_samples: int | None = None) -> SpanningTree:
    """Return the minimum spanning tree of all codes.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
        On the CPU. Identical codes are points of their own, at distance 0.
    min_samples : int, optional
        None: edges weigh the Hamming distance d(i, j). A number: the mutual reachability distance
        max(core(i), core(j), d(i, j)) of HDBSCAN, where core(i) is the distance from code i to the
        `min_samples`-th nearest other code, as in the packages hdbscan and fast-hdbscan
        (scikit-learn counts the code itself: its `min_samples` is one more).

    Returns
    -------
    edges : int64 (n - 1, 2)
    weights : int32 (n - 1,)
        Counts of units, rising. Edges are ordered by (weight, Hamming distance, lower index,
        higher index); by that order no two edges are equal, so there is one minimum spanning tree
        and this is it, on every machine and for every number of threads.

    Raises
    ------
    TypeError : not codes.
    ValueError : `min_samples` is not from 1 to n - 1; codes on a GPU.

    Notes
    -----
    Boruvka's algorithm on the distinct codes: lists of the max(min_samples, 16) nearest prove the
    lightest edge out of most components, then the pairs of components that are left are searched,
    leaving out what the triangle inequality and the most variable bits show to be too far.
    O(n^2 w) bit operations at worst, much less where codes are in clusters; O(n (min_samples + w))
    memory: the lists and two copies of the codes. Ctrl-C ends it.

    """
    words = as_numpy(words_of(codes, "codes"), "codes")
    neighbor = _checked_min_samples(min_samples, len(words))
    first, inverse, counts = _distinct(words)
    distinct = words if len(first) == len(words) else words[first]
    distances, indices = _nearest(distinct, max(neighbor, _LIST_LENGTH))
    core = _core_distances(distances, indices, counts, neighbor)
    ends, weights, lengths = _core.spanning_tree(distinct, core, distances, indices)

    # A copy's lightest edge leads to the first of its kind: distance 0, at the weight of its core.
    copies = np.setdiff1d(np.arange(len(words)), first, assume_unique=True)
    ends = np.concatenate([first[ends], np.stack([first[inverse[copies]], copies], axis=1)])
    weights = np.concatenate([weights, core[inverse[copies]]])
    lengths = np.concatenate([lengths, np.zeros(len(copies), dtype=np.int32)])
    order = np.lexsort((ends[:, 1], ends[:, 0], lengths, weights))
    library = library_of(words_of(codes, "codes"), "codes")
    return SpanningTree(from_numpy(ends[order], library), from_numpy(weights[order], library))


def hdbscan(
    codes: Codes | Array,
    *,
    min_cluster_size: int = 5,
    min_samples: int | None = None,
    cluster_selection_method: str = "eom",
    cluster_selection_epsilon: float = 0.0,
    max_cluster_size: int = 0,
    allow_single_cluster: bool = False,
) -> Clustering:
    """Cluster codes by density (HDBSCAN) in the Hamming distance.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
        At least 2, on the CPU. Identical codes count as often as they stand there.
    min_cluster_size : int
        Fewest codes of a cluster.
    min_samples : int, optional
        As in `hamming_mst`; None for `min_cluster_size`, or n - 1 where there are no more.
    cluster_selection_method : "eom" or "leaf"
    cluster_selection_epsilon : float
        Clusters do not split below this distance, a count of units.
    max_cluster_size : int
        Most codes of a cluster chosen by "eom"; 0 for no limit.
    allow_single_cluster : bool
        Whether all codes may be one cluster.

    Returns
    -------
    Clustering

    Raises
    ------
    ImportError : the package hdbscan is missing.
    TypeError, ValueError : as `hamming_mst`; a bad option.

    Notes
    -----
    The tree is ours; the hdbscan package condenses it and selects the clusters, so options mean
    what they mean there. Distances are whole numbers and often equal. What does not depend on the
    order among equal ones is the same in every correct implementation: the weights of the tree,
    and which codes are connected below any distance. The condensed tree can depend on it, where
    more than two groups join at one distance, and with it, now and then, a label. Here the
    order is that of `hamming_mst`, so labels are the same on every machine; another implementation
    may label such codes differently.
    The density of identical codes is infinite: a cluster of more than `min_samples` copies of one
    code is always found, and other codes in it have probability 0.

    """
    _check_options(min_cluster_size, cluster_selection_method, cluster_selection_epsilon)
    n = len(words_of(codes, "codes"))
    if n < 2:
        raise ValueError(f"codes has {n} codes; wanted at least 2 to cluster")
    tree = hamming_mst(
        codes, min_samples=min(min_cluster_size, n - 1) if min_samples is None else min_samples
    )
    edges, weights = (as_numpy(part, "tree") for part in tree)
    labels, probabilities, persistence, condensed, linkage = _selected(
        np.column_stack([edges, weights]).astype(np.float64),
        min_cluster_size,
        cluster_selection_method=cluster_selection_method,
        cluster_selection_epsilon=float(cluster_selection_epsilon),
        max_cluster_size=operator.index(max_cluster_size),
        allow_single_cluster=bool(allow_single_cluster),
    )
    library = library_of(words_of(codes, "codes"), "codes")
    return Clustering(
        from_numpy(labels, library),
        from_numpy(probabilities, library),
        from_numpy(persistence, library),
        condensed,
        linkage,
        tree,
    )


def _selected(tree: NDArray[np.float64], min_cluster_size: int, **options: Any) -> tuple[Any, ...]:
    """Condense a tree, rows (low, high, weight) by rising weight, and select clusters.

    These functions of the hdbscan package take a tree as it is. Its estimator takes a sparse graph,
    but loses edges of weight 0 and sorts equal ones unstably; fast-hdbscan's takes a tree, but
    rounds densities to float32 and is compiled as if none were infinite.
    """
    try:
        from hdbscan import _hdbscan_linkage, _hdbscan_tree, plots  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            "hdbscan(codes) needs the package hdbscan: pip install 'splinecode[clustering]'"
        ) from error
    linkage = _hdbscan_linkage.label(tree)
    condensed = _hdbscan_tree.condense_tree(linkage, min_cluster_size)
    stability = _hdbscan_tree.compute_stability(condensed)
    labels, probabilities, persistence = _hdbscan_tree.get_clusters(condensed, stability, **options)
    trees = plots.CondensedTree(condensed, labels), plots.SingleLinkageTree(linkage)
    return labels.astype(np.int64), np.asarray(probabilities), np.asarray(persistence), *trees


def _checked_min_samples(min_samples: int | None, n: int) -> int:
    """Return which neighbour gives the core distance; 0 for none."""
    if min_samples is None:
        return 0
    number = operator.index(min_samples)
    if not 1 <= number <= n - 1:
        raise ValueError(
            f"min_samples is {number}; wanted 1 to {n - 1}, the other codes that each of {n} has"
        )
    return number


def _check_options(min_cluster_size: int, method: str, epsilon: float) -> None:
    if operator.index(min_cluster_size) < 2:
        raise ValueError(f"min_cluster_size is {min_cluster_size}; wanted at least 2")
    if method not in _METHODS:
        raise ValueError(f"cluster_selection_method is {method!r}; wanted one of {_METHODS}")
    if not float(epsilon) >= 0:
        raise ValueError(f"cluster_selection_epsilon is {epsilon}; wanted units, at least 0")


def _distinct(
    words: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of every distinct code, rising, with inverse and counts."""
    first, inverse, counts = (np.empty(len(words), dtype=np.int64) for _ in range(3))
    number = _core.unique(np.ascontiguousarray(words), first, inverse, counts)
    order = np.argsort(first[:number])
    place = np.empty_like(order)
    place[order] = np.arange(number)
    return first[order], place[inverse], counts[order]


def _nearest(words: NDArray[np.uint64], most: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return lists of the `most` nearest other codes, or of all where there are fewer."""
    k = min(most, len(words) - 1)
    if k <= 0:
        return np.empty((len(words), 0), dtype=np.int32), np.empty((len(words), 0), dtype=np.int64)
    distances, indices = HammingNeighbors(k).fit(words).kneighbors()
    return distances, indices


def _core_distances(
    distances: NDArray[np.int32],
    indices: NDArray[np.int64],
    counts: NDArray[np.int64],
    neighbor: int,
) -> NDArray[np.int32]:
    """Return each distinct code's distance to the `neighbor`-th nearest other code with copies.

    The lists hold `neighbor` codes or all there are, so with their copies they reach that far.
    """
    core = np.zeros(len(counts), dtype=np.int32)
    far = counts <= neighbor
    if far.any():
        reached = np.cumsum(counts[indices[far]], axis=1) + (counts[far] - 1)[:, None]
        column = np.argmax(reached >= neighbor, axis=1)
        core[far] = distances[far, column]
    return core

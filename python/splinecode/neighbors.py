"""Exact nearest polytopes in scikit-learn's grammar."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from . import _core
from .arrays import Array, as_numpy, device_of, empty, handed_back, on_cuda, to_host
from .codes import WORD_BITS, Codes, from_pickle, to_pickle
from .cuda_search import counts_within, fill_nearest, lists_within
from .hamming import need_comparable, words_of
from .runtime import threads
from .search import CpuSearch
from .streaming import nearest_streamed, need_device_name


class HammingNeighbors:
    """Exact Hamming nearest neighbours of spline codes.

    Parameters
    ----------
    n_neighbors : int
        Neighbours that `kneighbors` returns by default.
    radius : float
        Distance (in units, inclusive) that `radius_neighbors` uses by default.
    algorithm : "auto", "brute", "pruned" or "hash"
        How to search on the CPU; results never depend on it. "brute" compares all pairs by
        look-up tables. "pruned" sorts the codes into clusters and leaves out what the triangle
        inequality and the most variable bits rule out, which real codes allow and random ones do
        not. "hash" finds small radii by multi-index hashing, which needs at least 16 varying bits
        for each unit of the radius and one more; the nearest neighbours it leaves to "auto".
        "auto" tries the others on a sample once enough queries were asked.
    n_jobs : int, optional
        Threads on the CPU: None for `splinecode.get_threads()`, -1 for all processors.
    device : "cuda" or "cuda:<index>", optional
        Where `kneighbors` searches codes that lie on the CPU: they stay there, and are streamed to
        this GPU in blocks, so that there may be more of them than its memory holds. Copies and
        search overlap if the words are in pinned memory (torch's ``tensor.pin_memory()``).

    Attributes
    ----------
    n_samples_fit_ : int
        Codes that are searched in; indices count them.
    counts_, inverse_ : int64 (n_samples_fit_,) and (n,)
        Only after ``fit(X, distinct=True)``: how often each distinct code stands in X, and which
        one each row of X is.

    stats_ : dict
        What the last search on the CPU did: its `algorithm`, the `pairs` of queries and codes, of
        these the `pairs_ruled_out` unread and the `distances_computed` to the end, the
        `words_read` (pairs of words compared) and the `bits_dropped` because all codes share them.

    Neighbours are ordered by (distance, index), on every device and thread count. As in
    scikit-learn, asking without X asks about the fitted codes and leaves each code itself out.
    Codes on a GPU are searched there; graphs and `to_umap` bring the result to the CPU. Estimators
    can be cloned by scikit-learn and pickled, fitted or not.

    Notes
    -----
    At most O(queries * n * words), with selection fused in: no distance matrix is stored. The
    index of "pruned" is a copy of the codes; it is made at the first search that needs it and not
    pickled.

    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        radius: float = 1.0,
        algorithm: str = "auto",
        n_jobs: int | None = None,
        device: str | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.n_jobs = n_jobs
        self.device = device

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({settings})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters (`deep` is scikit-learn's and changes nothing)."""
        names = ("n_neighbors", "radius", "algorithm", "n_jobs", "device")
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ValueError for one that does not exist."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"no parameter {name!r}; there are {list(self.get_params())}")
            setattr(self, name, value)
        return self

    def fit(self, X: Codes | Array, y: object = None, *, distinct: bool = False) -> Self:
        """Keep the codes to search in.

        Parameters
        ----------
        X : Codes, or uint64 words (n, w)
            At least one code. Not copied.
        y : ignored
        distinct : bool
            Keep each distinct code once, in the order of `Codes.unique`, with `counts_` and
            `inverse_`. No two nodes of a graph are then at distance 0, which sparse matrices
            cannot tell from no edge; ``labels[inverse_]`` hands results back to the rows of X.

        Raises
        ------
        TypeError, ValueError : not codes, no codes, or codes on another device than `device`.

        """
        _need_device(self.device, words_of(X, "X"))
        if len(words_of(X, "X")) == 0:
            raise ValueError("X holds no codes; wanted at least one")
        for name in ("counts_", "inverse_"):
            self.__dict__.pop(name, None)
        if distinct:
            X, self.inverse_, self.counts_ = _distinct(X)
        self._codes = X
        self._search: CpuSearch | None = None
        self.n_samples_fit_ = len(words_of(X, "X"))
        return self

    def kneighbors(
        self,
        X: Codes | Array | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find the nearest codes.

        Parameters
        ----------
        X : Codes, uint64 words (m, w), or None
            The queries; None for the fitted codes, each of which is then no neighbour of itself.
        n_neighbors : int, optional
        return_distance : bool

        Returns
        -------
        distances : int32 (m, k), if `return_distance`
        indices : int64 (m, k), rows of the fitted codes

        Raises
        ------
        RuntimeError : not fitted.
        ValueError : k is not from 1 to the number of candidates; another layout or device.
        MemoryError : the results or the candidates do not fit, before the search starts.

        Notes
        -----
        On a GPU nothing is waited for. With `device`, queries and results are on the CPU.

        """
        queries, database, exclude_self = self._prepare(X)
        k = self._checked_k(n_neighbors, exclude_self)
        if not on_cuda(queries):
            _core.need_memory(12 * len(queries) * k, f"{k} neighbours of {len(queries)} codes")
            if self.device is not None:
                found = nearest_streamed(queries, database, exclude_self, k, self.device)
                return found if return_distance else found[1]
        distances = empty(queries, (len(queries), k), "int32", "distances")
        indices = empty(queries, (len(queries), k), "int64", "indices")
        if on_cuda(queries):
            fill_nearest(queries, database, exclude_self, distances, indices)
        else:
            with _jobs(self.n_jobs):
                self.stats_ = self._cpu_search().nearest(
                    None if exclude_self else queries, self.algorithm, distances, indices
                )
        return (distances, indices) if return_distance else indices

    def radius_neighbors(
        self,
        X: Codes | Array | None = None,
        radius: float | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find all codes within `radius` (inclusive, in units) of each query.

        Returns
        -------
        distances : object array (m,) of int32 arrays, if `return_distance`
        indices : object array (m,) of int64 arrays
            Each ordered by (distance, index). numpy object arrays of arrays of X's library and
            device.

        Raises
        ------
        RuntimeError : not fitted.
        ValueError : a negative radius; another layout or device.

        Notes
        -----
        On a GPU the distances are computed twice, and the lengths of the lists are waited for.

        """
        offsets, indices, distances = self._within(X, radius)
        like = self._words(X)
        index_lists = _split(handed_back(indices, like), offsets)
        if not return_distance:
            return index_lists
        return _split(handed_back(distances, like), offsets), index_lists

    def radius_counts(self, X: Codes | Array | None = None, radius: float | None = None) -> Array:
        """Count the codes within `radius` (inclusive, in units) of each query: int64 (m,).

        As long as the lists of `radius_neighbors`, which are not kept. Raises as it does.
        """
        limit = _checked_radius(self.radius if radius is None else radius)
        queries, database, exclude_self = self._prepare(X)
        if on_cuda(queries):
            return counts_within(queries, database, limit, exclude_self)
        rows = None if exclude_self else as_numpy(queries, "X")
        with _jobs(self.n_jobs):
            counts, self.stats_ = self._cpu_search().counts(rows, limit, self.algorithm)
        return handed_back(counts, queries)

    def kneighbors_graph(
        self,
        X: Codes | Array | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> Any:
        """Return the graph of k nearest neighbours, `scipy.sparse.csr_array` (m, n), on the CPU.

        `mode` is "connectivity" (ones) or "distance". Distances of 0 between equal codes are stored
        entries: operations that drop stored zeros lose those edges, so fit on distinct codes
        (`Codes.unique`) before using distances as edge weights.
        """
        distances, indices = self.kneighbors(X, n_neighbors)
        distances, indices = to_host(distances), to_host(indices)
        offsets = np.arange(len(indices) + 1) * indices.shape[1]
        return self._graph(offsets, indices.ravel(), distances.ravel(), mode)

    def radius_neighbors_graph(
        self,
        X: Codes | Array | None = None,
        radius: float | None = None,
        mode: str = "connectivity",
    ) -> Any:
        """Return the graph of neighbours within `radius`, as `kneighbors_graph` does."""
        offsets, indices, distances = self._within(X, radius)
        return self._graph(offsets, to_host(indices), to_host(distances), mode)

    def to_umap(self, n_neighbors: int | None = None) -> tuple[Array, Array]:
        """Return the neighbours of the fitted codes as umap-learn's `precomputed_knn` wants them.

        Parameters
        ----------
        n_neighbors : int, optional
            The same as `UMAP(n_neighbors=...)`, which counts each code itself.

        Returns
        -------
        indices : int64 (n, n_neighbors), each code itself first
        distances : float32 (n, n_neighbors)
            numpy arrays, new ones each time (umap writes into them).

        Raises
        ------
        RuntimeError, ValueError : as `kneighbors`, with one code itself counted.

        Notes
        -----
        ``UMAP(n_neighbors=k, precomputed_knn=index.to_umap(k)).fit(x)``, where x is any array of as
        many rows, such as ``np.zeros((n, 1))``: umap looks at its shape alone, or at its values to
        place parts of the graph that do not hang together. umap warns that it cannot transform new
        data without an index of its own.

        """
        k = operator.index(self.n_neighbors if n_neighbors is None else n_neighbors)
        self._prepare(None)
        if not 1 <= k <= self.n_samples_fit_:
            raise ValueError(
                f"n_neighbors is {k}; wanted 1 to {self.n_samples_fit_}, the fitted codes: a code "
                "is here a neighbour of itself"
            )
        return self._self_first(k)

    def _self_first(self, k: int) -> tuple[Array, Array]:
        """Return (indices, float32 distances) of each fitted code itself and its k - 1 nearest."""
        n = self.n_samples_fit_
        indices, distances = np.empty((n, k), dtype=np.int64), np.zeros((n, k), dtype=np.float32)
        indices[:, 0] = np.arange(n)
        if k > 1:
            found = self.kneighbors(n_neighbors=k - 1)
            distances[:, 1:], indices[:, 1:] = map(to_host, found)
        return indices, distances

    def transform(self, X: Codes | Array) -> Any:
        """Return the graph of distances to the n_neighbors + 1 nearest fitted codes.

        A step for scikit-learn pipelines before estimators with ``metric="precomputed"``, in the
        form of its KNeighborsTransformer: `scipy.sparse.csr_array` (m, n), one neighbour more
        than `n_neighbors` because a fitted code finds itself. For DBSCAN the graph must reach as
        far as its `eps`: see `radius_neighbors_graph`.
        """
        return self.kneighbors_graph(X, operator.index(self.n_neighbors) + 1, mode="distance")

    def fit_transform(self, X: Codes | Array, y: object = None) -> Any:
        """Fit X, and return its graph as `transform` does, each code itself first in its row.

        Equal to ``fit(X).transform(X)`` unless more than n_neighbors codes are identical: there
        `transform` may find so many copies of a code that the code itself is left out.
        """
        self.fit(X)
        k = self._checked_k(None, exclude_self=True) + 1
        indices, distances = self._self_first(k)
        offsets = np.arange(len(indices) + 1) * k
        return self._graph(offsets, indices.ravel(), distances.ravel(), "distance")

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_search": None}
        if not isinstance(state.get("_codes"), Codes | None):
            state["_codes"] = to_pickle(self._codes)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not isinstance(state.get("_codes"), Codes | None):
            self._codes = from_pickle(state["_codes"])

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what this estimator is; only scikit-learn asks."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags  # noqa: PLC0415

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(two_d_array=False),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_codes")

    def _cpu_search(self) -> CpuSearch:
        if self._search is None:
            self._search = CpuSearch(as_numpy(words_of(self._codes, "X"), "the fitted codes"))
        return self._search

    def _words(self, X: Codes | Array | None) -> Array:
        return words_of(self._codes if X is None else X, "X")

    def _graph(self, offsets: Array, indices: Array, distances: Array, mode: str) -> Any:
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode is {mode!r}; wanted 'connectivity' or 'distance'")
        try:
            from scipy.sparse import csr_array  # noqa: PLC0415 - an optional dependency
        except ImportError as error:
            raise ImportError(
                "neighbour graphs need scipy: pip install 'splinecode[neighbors]'"
            ) from error
        data = distances.astype(np.float64) if mode == "distance" else np.ones(len(indices))
        return csr_array((data, indices, offsets), shape=(len(offsets) - 1, self.n_samples_fit_))

    def _prepare(self, X: Codes | Array | None) -> tuple[Array, Array, bool]:
        """Return query words, database words and whether each query is itself in the database."""
        if not hasattr(self, "_codes"):
            raise RuntimeError("this HammingNeighbors is not fitted: call fit(codes) first")
        database = words_of(self._codes, "the fitted codes")
        if X is None:
            return database, database, True
        need_comparable(X, "X", self._codes, "the fitted codes")
        return words_of(X, "X"), database, False

    def _checked_k(self, n_neighbors: int | None, exclude_self: bool) -> int:
        k = operator.index(self.n_neighbors if n_neighbors is None else n_neighbors)
        most = self.n_samples_fit_ - int(exclude_self)
        if not 1 <= k <= most:
            reason = f"{self.n_samples_fit_} codes are fitted"
            reason += ", and without X a code is no neighbour of itself" if exclude_self else ""
            raise ValueError(f"n_neighbors is {k}; wanted 1 to {most}: {reason}")
        return k

    def _within(self, X: Codes | Array | None, radius: float | None) -> tuple[Array, Array, Array]:
        limit = _checked_radius(self.radius if radius is None else radius)
        queries, database, exclude_self = self._prepare(X)
        if on_cuda(queries):
            return lists_within(queries, database, limit, exclude_self)
        rows = None if exclude_self else as_numpy(queries, "X")
        with _jobs(self.n_jobs):
            lists, self.stats_ = self._cpu_search().within(rows, limit, self.algorithm)
        return lists


def _checked_radius(radius: float) -> int:
    """Return the whole units of a radius, at most what an int32 holds."""
    limit = float(radius)
    if not limit >= 0:
        raise ValueError(f"radius is {limit}; wanted a number of units, at least 0")
    return int(min(limit, np.iinfo(np.int32).max))


def _distinct(X: Codes | Array) -> tuple[Codes | Array, Array, Array]:
    """Return the distinct codes of X in X's form, with inverse and counts."""
    if isinstance(X, Codes):
        return X.unique()
    words = words_of(X, "X")
    unique = Codes.from_words(words, WORD_BITS * words.shape[1]).unique()
    return unique.codes.words, unique.inverse, unique.counts


@contextmanager
def _jobs(n_jobs: int | None) -> Iterator[None]:
    """Use scikit-learn's `n_jobs` threads inside a ``with`` block."""
    if n_jobs is None:
        yield
        return
    number = operator.index(n_jobs)
    if number != -1 and number < 1:
        raise ValueError(f"n_jobs is {n_jobs}; wanted None, -1 or a number of threads")
    with threads(_processors() if number == -1 else number):
        yield


def _processors() -> int:
    """Return the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _need_device(device: str | None, words: Array) -> None:
    """Raise ValueError unless codes can be searched on `device`."""
    if device is None:
        return
    need_device_name(device)
    if on_cuda(words) and device not in ("cuda", device_of(words)):
        raise ValueError(
            f"device is {device!r} but X is on {device_of(words)}, where it is searched; leave "
            "device out"
        )


def _split(values: Array, offsets: Array) -> Array:
    """Cut ragged values into an object array of arrays, one a query."""
    out = np.empty(len(offsets) - 1, dtype=object)
    for i in range(len(out)):
        out[i] = values[offsets[i] : offsets[i + 1]]
    return out

"""Exact nearest polytopes in scikit-learn's grammar."""

from __future__ import annotations

import operator
from typing import Any, Self

import numpy as np

from . import _core
from .arrays import Array, as_numpy, current_stream, empty, on_cuda
from .codes import Codes, need_cuda_build
from .hamming import need_comparable, words_of

_CUDA_WORKSPACE_BYTES = 1 << 30


class HammingNeighbors:
    """Exact Hamming nearest neighbours of spline codes.

    Parameters
    ----------
    n_neighbors : int
        Neighbours that `kneighbors` returns by default.
    radius : float
        Distance (in units, inclusive) that `radius_neighbors` uses by default.

    Neighbours are ordered by (distance, index), on every device and thread count. As in
    scikit-learn, asking without X asks about the fitted codes and leaves each code itself out.
    Codes on a GPU are searched there by `kneighbors`; the other methods run on the CPU.

    Notes
    -----
    Brute force over packed words, O(queries * n * words), with selection fused in: no distance
    matrix is stored.

    """

    def __init__(self, n_neighbors: int = 5, *, radius: float = 1.0) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters (`deep` is scikit-learn's and changes nothing)."""
        return {"n_neighbors": self.n_neighbors, "radius": self.radius}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ValueError for one that does not exist."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"no parameter {name!r}; there are {list(self.get_params())}")
            setattr(self, name, value)
        return self

    def fit(self, X: Codes | Array, y: object = None) -> Self:
        """Keep the codes to search in: Codes or uint64 words (n, w). Not copied; `y` is ignored.

        Raises ValueError for no codes.
        """
        if len(words_of(X, "X")) == 0:
            raise ValueError("X holds no codes; wanted at least one")
        self._codes = X
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

        """
        queries, database, exclude_self = self._prepare(X)
        k = self._checked_k(n_neighbors, exclude_self)
        distances = empty(queries, (len(queries), k), "int32")
        indices = empty(queries, (len(queries), k), "int64")
        search = _top_k_cuda if on_cuda(queries) else _core.top_k
        search(queries, database, exclude_self, distances, indices)
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
            Each ordered by (distance, index).

        Raises
        ------
        RuntimeError : not fitted.
        ValueError : a negative radius; another layout or device.

        """
        offsets, indices, distances = self._within(X, radius)
        index_lists = _split(indices, offsets)
        return (_split(distances, offsets), index_lists) if return_distance else index_lists

    def kneighbors_graph(
        self,
        X: Codes | Array | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> Any:
        """Return the graph of k nearest neighbours, `scipy.sparse.csr_array` (m, n).

        `mode` is "connectivity" (ones) or "distance". Distances of 0 between equal codes are stored
        entries: operations that drop stored zeros lose those edges, so fit on distinct codes
        (`Codes.unique`) before using distances as edge weights.
        """
        distances, indices = self.kneighbors(X, n_neighbors)
        distances, indices = as_numpy(distances, "X"), as_numpy(indices, "X")
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
        return self._graph(offsets, indices, distances, mode)

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
        limit = float(self.radius if radius is None else radius)
        if not limit >= 0:
            raise ValueError(f"radius is {limit}; wanted a number of units, at least 0")
        queries, database, exclude_self = self._prepare(X)
        queries, database = as_numpy(queries, "X"), as_numpy(database, "the fitted codes")
        whole = int(min(limit, np.iinfo(np.int32).max))
        return _core.within_radius(queries, database, whole, exclude_self)


def _top_k_cuda(
    queries: Array, database: Array, exclude_self: bool, distances: Array, indices: Array
) -> None:
    need_cuda_build()
    least = _core.cuda_top_k_workspace_bytes(1, len(database))
    most = _core.cuda_top_k_workspace_bytes(len(queries), len(database))
    size = max(least, min(most, _CUDA_WORKSPACE_BYTES))
    workspace = empty(queries, (-(-size // 8),), "int64")
    _core.cuda_top_k(
        queries, database, exclude_self, distances, indices, workspace, current_stream(queries)
    )


def _split(values: Array, offsets: Array) -> Array:
    """Cut ragged values into an object array of arrays, one a query."""
    out = np.empty(len(offsets) - 1, dtype=object)
    for i in range(len(out)):
        out[i] = values[offsets[i] : offsets[i + 1]]
    return out

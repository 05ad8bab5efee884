"""What people run today, optional: faiss, usearch, NumKong for search, regioncam for segments.

Every function returns a call that does the work, or None where the library is not installed.
Building an index is not part of a call; threads are those of splinecode at the time of building.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..arrays import as_numpy
from ..runtime import get_threads
from .timing import Call

NAMES = ("faiss", "usearch", "numkong", "regioncam")

Bytes = NDArray[np.uint8]


@cache
def library(name: str) -> Any | None:
    """Import one of `NAMES`, or return None if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bindings made by SWIG: not ours to mend
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def versions() -> dict[str, str | None]:
    """Return the version of each peer, None for one that is not installed."""
    found = {name: library(name) for name in NAMES}
    return {name: version(name) if module else None for name, module in found.items()}


def version(name: str) -> str:
    """Return the version of an installed peer."""
    return str(getattr(library(name), "__version__", None) or metadata.version(name))


def regioncam_pieces(model: nn.Sequential, a: Tensor, b: Tensor) -> Callable[[], list[int]] | None:
    """Regioncam1D on each segment a to b in turn: float32, the number of linear pieces of each."""
    module = library("regioncam")
    if module is None:
        return None
    layers = _regioncam_layers(model)
    ends = [as_numpy(end.float(), "ends") for end in ((b - a) / 2, (a + b) / 2)]

    def pieces(slope: NDArray[np.float32], middle: NDArray[np.float32]) -> int:
        line = module.Regioncam1D(2.0)  # from -1 to 1
        line.linear(slope[None], middle)
        for layer in layers:
            line.linear(*layer) if layer else line.relu()
        return int(line.num_edges)

    return lambda: [pieces(*pair) for pair in zip(*ends, strict=True)]


def regioncam_regions(
    model: nn.Sequential, p0: Tensor, p1: Tensor, p2: Tensor, size: float
) -> Callable[[], int] | None:
    """Regioncam from -size to size along p1 - p0 and p2 - p0: float32, the number of regions."""
    module = library("regioncam")
    if module is None:
        return None
    layers = _regioncam_layers(model)
    axes = as_numpy(torch.stack([p1 - p0, p2 - p0]).float(), "axes")
    origin = as_numpy(p0.float(), "p0")

    def regions() -> int:
        plane = module.Regioncam(size)
        plane.linear(axes, origin)
        for layer in layers:
            plane.linear(*layer) if layer else plane.relu()
        return int(plane.num_faces)

    return regions


def _regioncam_layers(model: nn.Sequential) -> list[tuple[Any, Any] | None]:
    """Weight and bias of each linear layer, None for a ReLU."""
    return [
        (layer.weight.detach().T.contiguous().numpy(), layer.bias.detach().numpy())
        if isinstance(layer, nn.Linear)
        else None
        for layer in model
    ]


def as_bytes(words: Tensor) -> Bytes:
    """View words (n, w) as uint8 (n, 8 w), as the peers take them."""
    return as_numpy(words, "words").view(np.uint8)


def faiss_knn(x: Tensor, y: Tensor, k: int) -> Call | None:
    """IndexBinaryFlat.search: distances int32 and indices int64, (queries, k)."""
    index = _faiss_index(y)
    if index is None:
        return None
    queries = as_bytes(x)
    return lambda: index.search(queries, k)


def faiss_radius(x: Tensor, y: Tensor, radius: int) -> Call | None:
    """IndexBinaryFlat.range_search, whose radius is exclusive: offsets, distances, indices."""
    index = _faiss_index(y)
    if index is None:
        return None
    queries = as_bytes(x)
    return lambda: index.range_search(queries, radius + 1)


def _faiss_index(y: Tensor) -> Any | None:
    faiss = library("faiss")
    if faiss is None:
        return None
    faiss.omp_set_num_threads(get_threads())
    index = faiss.IndexBinaryFlat(64 * y.shape[1])
    index.add(as_bytes(y))
    return index


def usearch_knn(x: Tensor, y: Tensor, k: int) -> Call | None:
    """Search without an index, exact=True: distances float32 and keys uint64, (queries, k)."""
    if library("usearch") is None:
        return None
    usearch = importlib.import_module("usearch.index")
    queries, rows, threads = as_bytes(x), as_bytes(y), get_threads()

    def search() -> tuple[Any, Any]:
        found = usearch.search(
            rows,
            queries,
            k,
            usearch.MetricKind.Hamming,
            exact=True,
            threads=threads,
            dtype=usearch.ScalarKind.B1,
        )
        return np.atleast_2d(found.distances), np.atleast_2d(found.keys)

    return search


def numkong_matrix(x: Tensor, y: Tensor) -> Call | None:
    """hammings_packed, by blocks of rows on a pool of threads: the matrix uint32."""
    numkong = library("numkong")
    if numkong is None:
        return None
    rows, packed = as_bytes(x), numkong.hammings_pack(as_bytes(y), dtype="uint1")

    def block(out: Any, begin: int, end: int) -> None:
        numkong.hammings_packed(rows, packed, out=out, start_row=begin, end_row=end)

    return _by_rows(numkong, len(x), len(y), block)


def numkong_symmetric(x: Tensor) -> Call | None:
    """hammings_symmetric, by blocks of rows: the matrix uint32, of which the upper triangle."""
    numkong = library("numkong")
    if numkong is None:
        return None
    rows = as_bytes(x)

    def block(out: Any, begin: int, end: int) -> None:
        numkong.hammings_symmetric(rows, dtype="uint1", out=out, start_row=begin, end_row=end)

    return _by_rows(numkong, len(x), len(x), block)


def _by_rows(
    numkong: Any, n: int, m: int, block: Callable[[Any, int, int], None]
) -> Callable[[], Any]:
    """NumKong starts no threads but lets go of the GIL: give each thread blocks of rows."""
    threads = get_threads()
    step = max(1, -(-n // (8 * threads)))
    begins = range(0, n, step)
    ends = [min(n, begin + step) for begin in begins]

    def run() -> Any:
        out = numkong.zeros((n, m), dtype="uint32")
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda ends: block(out, *ends), zip(begins, ends, strict=True)))
        return np.asarray(out)

    return run


def found(distances: Any, indices: Any) -> tuple[Tensor, Tensor]:
    """Bring distances and indices of any peer to int32 and int64 tensors."""
    return (
        torch.as_tensor(np.asarray(distances).astype(np.int32)),
        torch.as_tensor(np.asarray(indices).astype(np.int64)),
    )

"""Search on a GPU among codes that stay in host memory: they are streamed to it in blocks."""

from __future__ import annotations

import re
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from .arrays import (
    Array,
    current_stream,
    empty,
    handed_back,
    lent,
    library_of,
    on_device_of,
    to_host,
    uploaded,
)
from .cuda_search import WORKSPACE_BYTES, fill_nearest
from .kernels import cuda, need_cuda_build, workspace
from .merging import merge_topk

_MOST_FUSED = 512
"""Neighbours that the streaming kernel finds at most."""

_BLOCK_BYTES = 256 << 20
"""Codes that are on their way to the GPU at a time; as many more are searched meanwhile."""


def need_device_name(device: str) -> None:
    """Raise ValueError unless `device` is "cuda" or "cuda:<index>"."""
    if not isinstance(device, str) or not re.fullmatch(r"cuda(:\d+)?", device):
        raise ValueError(f"device is {device!r}; wanted None, 'cuda' or 'cuda:<index>'")


def nearest_streamed(
    queries: Array, database: Array, exclude_self: bool, k: int, device: str
) -> tuple[Array, Array]:
    """Return distances and indices (m, k) on the CPU; queries and database are there too.

    Raises MemoryError if the GPU has no room for one query and one code at a time.
    """
    near = _nothing_on(device, queries)
    x, y = np.ascontiguousarray(lent(queries)), lent(database)
    distances = np.empty((len(x), k), np.int32)
    indices = np.empty((len(x), k), np.int64)
    # A code itself is found and left out here: its row is not that of a query in a batch.
    search = _Streamed(near, y, k + int(exclude_self), len(x))
    for begin in range(0, len(x), search.batch):
        part = slice(begin, begin + search.batch)
        found = search.nearest(x[part])
        if exclude_self:
            found = _without_self(*found, begin)
        distances[part], indices[part] = found
    return handed_back(distances, queries), handed_back(indices, queries)


class _Streamed:
    """A database on the CPU, and room on a GPU to search in it for `batch` queries at a time."""

    def __init__(self, near: Array, database: np.ndarray[Any, Any], k: int, queries: int) -> None:
        rows, words = database.shape
        if rows > 1 and database.strides[0] < 8 * words:  # rows that overlap or go backwards
            database = np.ascontiguousarray(database)
        self._near, self._database, self._k = near, database, k
        self.batch = max(1, queries)
        block = max(1, min(rows, _BLOCK_BYTES // max(1, 8 * words)))
        while self.batch > 1 and self._workspace_bytes(block) > WORKSPACE_BYTES:
            self.batch = -(-self.batch // 2)
        while not self._has_room(block):
            self.batch, block = -(-self.batch // 2), -(-block // 2)

    def _workspace_bytes(self, block: int) -> int:
        return cuda().top_k_workspace_bytes(self.batch, block, self._k)

    def _has_room(self, block: int) -> bool:
        """Allocate, or tell that this is too much; MemoryError if it cannot be less."""
        words, found = self._database.shape[1], (self.batch, self._k)
        try:
            self._workspace = workspace(self._near, self._workspace_bytes(block))
            self._blocks = empty(self._near, (2, block, words), "uint64", "blocks of codes")
            self._distances = empty(self._near, found, "int32", "distances")
            self._indices = empty(self._near, found, "int64", "indices")
        except MemoryError:
            if self.batch == block == 1:
                raise
            self._workspace = self._blocks = self._distances = self._indices = None
            return False
        return True

    def nearest(self, queries: np.ndarray[Any, Any]) -> tuple[Array, Array]:
        """Return distances and indices (m, k) of at most `batch` queries, on the CPU."""
        asked = uploaded(queries, self._near)
        if self._k > _MOST_FUSED:
            return self._merged(asked)
        distances, indices = self._distances[: len(queries)], self._indices[: len(queries)]
        with on_device_of(self._near):
            cuda().top_k_streamed(
                asked,
                self._database,
                False,
                distances,
                indices,
                self._workspace,
                self._blocks,
                current_stream(self._near),
            )
        return to_host(distances), to_host(indices)

    def _merged(self, asked: Array) -> tuple[Array, Array]:
        """Search block by block for more neighbours than the kernel keeps; nothing overlaps."""
        best: list[tuple[Array, Array]] = []
        step = int(self._blocks.shape[1])
        for begin in range(0, len(self._database), step):
            part = np.ascontiguousarray(self._database[begin : begin + step])
            block = uploaded(part, asked)
            found = (len(asked), min(self._k, len(block)))
            distances = empty(asked, found, "int32", "distances")
            indices = empty(asked, found, "int64", "indices")
            fill_nearest(asked, block, False, distances, indices)
            best = [merge_topk([*best, (distances, indices + begin)], self._k)]
        return to_host(best[0][0]), to_host(best[0][1])


def _without_self(
    distances: np.ndarray[Any, Any], indices: np.ndarray[Any, Any], begin: int
) -> tuple[Array, Array]:
    """Leave row begin + i out of the neighbours of query i, or the last where it is not there."""
    kept = indices != np.arange(begin, begin + len(indices))[:, None]
    kept[kept.all(axis=1), -1] = False
    shape = (len(indices), indices.shape[1] - 1)
    return distances[kept].reshape(shape), indices[kept].reshape(shape)


def _nothing_on(device: str, like: Array) -> Array:
    """Return an array without items on a GPU, of the library of `like`, or one for numpy's."""
    need_cuda_build()
    library = library_of(like, "X")
    if library == "torch" or (library == "numpy" and _torch_sees_a_gpu()):
        if not _torch_sees_a_gpu():
            raise RuntimeError(f"device is {device!r} but torch sees no CUDA device")
        return import_module("torch").empty(0, device=device)
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        raise ImportError(
            f"device is {device!r}: memory there is torch's or cupy's, and neither can be used: "
            "pip install 'splinecode[cuda]'"
        ) from error
    index = device.partition(":")[2]
    with cupy.cuda.Device(int(index)) if index else nullcontext():
        return cupy.empty(0)


def _torch_sees_a_gpu() -> bool:
    try:
        return bool(import_module("torch").cuda.is_available())
    except ImportError:
        return False

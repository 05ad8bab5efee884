"""Crossings along polylines and closed polygons."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arithmetic import concatenate
from ..arrays import Array, as_torch, from_torch, library_of, torch_beside, uploaded
from ..network import Network
from .integrals import segment_of
from .result import Crossings
from .sweep import crossings


class PathCrossings:
    """The crossings along a path of consecutive segments.

    Arrays are of the library of the points and on their device, as those of `Crossings`.

    Attributes
    ----------
    segments : Crossings, those of each segment
    position : float64 (n,)
        Where each crossing is: number of its segment plus t.
    arc_length : float64 (n,)
        Euclidean length of the path up to there.
    length : float, the whole path's; read from a GPU
    at_vertices : (vertex int64, layer int64, unit int64, direction int8), each (m,)
        Bits that differ between the last piece before a vertex and the first piece after it: the
        path crosses a boundary exactly at the vertex. Vertex v is the end of segment v - 1; the
        first of a closed path is vertex 0. Found when first asked for, which waits twice for a GPU.

    """

    def __init__(self, segments: Crossings, lengths: Tensor, closed: bool) -> None:
        self.segments = segments
        self._lengths = lengths
        self._closed = closed

    def _beside(self) -> AbstractContextManager[Any]:
        return torch_beside(self.segments.library, self._lengths.device)

    def _out(self, values: Tensor) -> Array:
        with self._beside():
            return from_torch(values, self.segments.library)

    def _of_segments(self) -> tuple[Tensor, Tensor]:
        """Return the segment and t of each crossing."""
        t = as_torch(self.segments.t)
        return segment_of(as_torch(self.segments.offsets), len(t)), t

    @property
    def length(self) -> float:
        """Euclidean length of the whole path."""
        with self._beside():
            return float(self._lengths.sum())

    @property
    def position(self) -> Array:
        """Number of the segment plus t, float64 (n,)."""
        with self._beside():
            segment, t = self._of_segments()
            return self._out(segment + t)

    @property
    def arc_length(self) -> Array:
        """Length of the path up to each crossing, float64 (n,)."""
        with self._beside():
            segment, t = self._of_segments()
            before = self._lengths.cumsum(0) - self._lengths
            return self._out(before[segment] + t * self._lengths[segment])

    @property
    def at_vertices(self) -> tuple[Array, Array, Array, Array]:
        """Crossings that fall on vertices: vertex, layer, unit, direction."""
        vertex, layer, unit, direction = map(self._out, self._vertices)
        return vertex, layer, unit, direction

    @cached_property
    def _vertices(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with self._beside():
            return _at_vertices(self.segments, self._closed)

    def count(self, *, per_layer: bool = False) -> Any:
        """Count the crossings of the path, those at vertices too: int, or int64 (layers,).

        An int is read from a GPU; `at_vertices` must be known.
        """
        with self._beside():
            inner = as_torch(self.segments.count(per_layer=True)).sum(0)
            layer = self._vertices[1]
            counts = inner.index_add_(0, layer, torch.ones_like(layer))
            return self._out(counts) if per_layer else int(counts.sum())

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.segments)

    def __repr__(self) -> str:
        kind = "closed path" if self._closed else "path"
        return (
            f"PathCrossings({self.count():,} crossings of a {kind} of {len(self):,} segments, "
            f"length {self.length:.6g})"
        )


def polyline_crossings(
    network: Network, points: Array, *, closed: bool = False, **options: Any
) -> PathCrossings:
    """Intersect a polyline, or a closed polygon, with all polytope boundaries of a network.

    Parameters
    ----------
    network : Network from `read_network`
    points : floating array (m, *input_shape), m >= 2
        The vertices in order. Images of a closed path through augmentations of one image are the
        use in Gamba et al., AISTATS 2022.
    closed : bool
        Also go from the last point to the first.
    **options
        Those of `crossings`: max_memory, certify, progress.

    Returns
    -------
    found : PathCrossings

    Raises
    ------
    TypeError, ValueError : as `crossings`, and for fewer than two points.

    Notes
    -----
    One sweep of m - 1 segments, or m of a closed path.

    """
    library_of(points, "points")
    if points.ndim < 1 or len(points) < 2:
        raise ValueError(f"points has shape {tuple(points.shape)}; wanted at least two points")
    ends = concatenate([points[1:], points[:1]], 0) if closed else points[1:]
    starts = points if closed else points[:-1]
    found = crossings(network, starts, ends, **options)
    rows = network.as_rows(points, "points")
    with torch_beside(found.library, rows.device):
        steps = (rows.roll(-1, 0) if closed else rows[1:]) - rows[: len(found)]
        lengths = torch.linalg.vector_norm(steps, dim=1)
    return PathCrossings(found, lengths, closed)


def _at_vertices(segments: Crossings, closed: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compare the codes of the pieces on either side of each vertex."""
    last, first = (as_torch(words).view(torch.int64) for words in segments.end_words())
    before, after = (last.roll(1, 0), first) if closed else (last[:-1], first[1:])
    flipped = before ^ after
    row, word = flipped.nonzero(as_tuple=True)
    bits = torch.arange(64, device=flipped.device)
    which, bit = (flipped[row, word][:, None] >> bits & 1).nonzero(as_tuple=True)
    row, word = row[which], word[which]
    words = accumulate((layer.words for layer in segments.layers), initial=0)
    starts = as_torch(uploaded(np.fromiter(words, np.int64), flipped))
    layer = torch.searchsorted(starts, word, right=True) - 1
    on = after[row, word] >> bit & 1
    vertex = row if closed else row + 1
    return vertex, layer, 64 * (word - starts[layer]) + bit, (2 * on - 1).to(torch.int8)

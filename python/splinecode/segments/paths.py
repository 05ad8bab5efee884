"""Crossings along polylines and closed polygons."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_numpy, from_numpy, library_of
from ..network import Network
from .result import Crossings
from .sweep import crossings


class PathCrossings:
    """The crossings along a path of consecutive segments.

    Attributes
    ----------
    segments : Crossings, those of each segment
    position : float64 (n,)
        Where each crossing is: number of its segment plus t.
    arc_length : float64 (n,)
        Euclidean length of the path up to there.
    length : float, the whole path's
    at_vertices : (vertex int64, layer int64, unit int64, direction int8), each (m,)
        Bits that differ between the last piece before a vertex and the first piece after it: the
        path crosses a boundary exactly at the vertex. Vertex v is the end of segment v - 1; the
        first of a closed path is vertex 0.

    """

    def __init__(self, segments: Crossings, lengths: np.ndarray[Any, Any], closed: bool) -> None:
        self.segments = segments
        self._library = segments.library
        self._lengths = lengths
        self._closed = closed
        self.length = float(lengths.sum())
        self._vertices = _at_vertices(segments, closed)

    @property
    def _segment(self) -> np.ndarray[Any, Any]:
        return np.repeat(np.arange(len(self.segments)), _numpy(self.segments.count()))

    @property
    def position(self) -> Array:
        """Number of the segment plus t, float64 (n,)."""
        return from_numpy(self._segment + _numpy(self.segments.t), self._library)

    @property
    def arc_length(self) -> Array:
        """Length of the path up to each crossing, float64 (n,)."""
        before = np.cumsum(self._lengths) - self._lengths
        lengths = before[self._segment] + _numpy(self.segments.t) * self._lengths[self._segment]
        return from_numpy(lengths, self._library)

    @property
    def at_vertices(self) -> tuple[Array, Array, Array, Array]:
        """Crossings that fall on vertices: vertex, layer, unit, direction."""
        vertex, layer, unit, direction = (from_numpy(x, self._library) for x in self._vertices)
        return vertex, layer, unit, direction

    def count(self, *, per_layer: bool = False) -> Any:
        """Count the crossings of the path, those at vertices too: int, or int64 (layers,)."""
        inner = _numpy(self.segments.count(per_layer=True)).sum(axis=0)
        counts = inner + np.bincount(self._vertices[1], minlength=len(inner))
        return from_numpy(counts, self._library) if per_layer else int(counts.sum())

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
    ends = points[[*range(1, len(points)), 0]] if closed else points[1:]
    starts = points if closed else points[:-1]
    found = crossings(network, starts, ends, **options)
    steps = _numpy(ends).astype(np.float64) - _numpy(starts).astype(np.float64)
    lengths = np.linalg.norm(steps.reshape(len(steps), -1), axis=1)
    return PathCrossings(found, lengths, closed)


def _at_vertices(segments: Crossings, closed: bool) -> tuple[np.ndarray[Any, Any], ...]:
    """Compare the codes of the pieces on either side of each vertex."""
    last, first = segments.end_words()
    before, after = (last[:-1], first[1:])
    vertex = np.arange(1, len(segments))
    if closed:
        before, after = np.concatenate([last[-1:], before]), np.concatenate([first[:1], after])
        vertex = np.concatenate([[0], vertex])
    bits = np.unpackbits((before ^ after).view(np.uint8), axis=1, bitorder="little")
    row, place = np.nonzero(bits)
    starts = 64 * np.cumsum([0, *(layer.words for layer in segments.layers)])
    layer = np.searchsorted(starts, place, side="right") - 1
    on = after[row, place // 64] >> (place % 64).astype(np.uint64) & np.uint64(1)
    direction = np.where(on == 1, 1, -1).astype(np.int8)
    return vertex[row], layer, place - starts[layer], direction


def _numpy(values: Array) -> np.ndarray[Any, Any]:
    return as_numpy(values, "values")

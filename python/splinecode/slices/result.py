"""The polygons of a slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from .. import _core
from ..analysis import Analysis
from ..codes import Codes, Layer
from ..network import Network
from ..tables import Table
from .plane import Floats, Plane

Whole = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class DecisionBoundary(NamedTuple):
    """Line segments in (u, v) where the largest output changes.

    `start` and `end` are float64 (n, 2), `left` and `right` int64 (n,): the outputs that are
    largest on the left and on the right of the way from start to end.
    """

    start: Floats
    end: Floats
    left: Whole
    right: Whole


@dataclass(frozen=True, eq=False, repr=False)
class Slice2D(Analysis):
    """An exact partition of a window of a plane into polygons that a network is affine on.

    Numpy arrays. Polygon f has the vertices ``polygons[offsets[f]:offsets[f + 1]]``,
    counter-clockwise in (u, v); neighbours share theirs. The figure is `plots.slice_2d`.

    Attributes
    ----------
    plane : Plane
        ``plane.points(vertices)`` are the vertices in input space, ``plane.extent`` is the window.
    vertices : float64 (V, 2), as (u, v)
    offsets : int64 (F + 1,)
    polygons : int64 (offsets[-1],)
    codes : Codes, a row a polygon, those of neighbours different
    areas : float64 (F,), in units of the input's area; they add up to ``plane.window_area``
    values : float64 (V, *output_shape)
        The network's output, which is linear on each polygon.
    edges : int64 (E, 2), vertices from and to
    edge_polygons : int64 (E, 2), the polygons on the left and on the right of an edge, -1 outside
    edge_layer, edge_unit : int64 (E,)
        Whose boundary the edge lies on: the first layer, and the lowest bit in it, in which the
        codes on both sides differ (more differ where boundaries coincide); -1 on the border.
    ambiguous : bool (F,)
        False: the signs of all units at the polygon's vertices are proven. True: at some vertex a
        unit was closer to its boundary than the rounding bound can tell; what typical rounding
        explains was taken to be a tie. The marks, and the bound, are those of
        `Crossings.ambiguous`: elements of a pooling window that are computed equal are not marked.
        Polygons with True are edge to edge with their neighbours like all others. But rounding may
        have bent one that is thin: its area may come out as 0 or less, and another polygon may
        have its code. Where none is True all codes are different.
    work : counts of what was computed

    """

    network: Network
    plane: Plane
    vertices: Floats
    offsets: Whole
    polygons: Whole
    codes: Codes
    areas: Floats
    values: Floats
    edges: Whole
    edge_polygons: Whole
    edge_layer: Whole
    edge_unit: Whole
    ambiguous: Bools
    work: dict[str, int]

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.areas)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Names and bits of the network's layers."""
        return self.network.layers

    def centroids(self) -> Floats:
        """Return the means of each polygon's vertices, which lie in it: float64 (F, 2)."""
        sizes = np.diff(self.offsets)[:, None]
        means: Floats = np.add.reduceat(self.vertices[self.polygons], self.offsets[:-1]) / sizes
        return means

    def edge_lengths(self) -> Floats:
        """Return the lengths of the edges in input space, float64 (E,)."""
        along = self.vertices[self.edges[:, 1]] - self.vertices[self.edges[:, 0]]
        axes = np.stack([self.plane.first.ravel(), self.plane.second.ravel()])
        squares = np.einsum("ei,ij,ej->e", along, axes @ axes.T, along)
        lengths: Floats = np.sqrt(np.maximum(squares, 0))
        return lengths

    def locate(self, points: Floats) -> Whole:
        """Return the polygon of each point (n, 2) in (u, v): int64 (n,), -1 outside the window.

        By the code at the point, and where no polygon has it (a point on a boundary), by geometry:
        then the polygon with the least distance, the lowest of those that tie. O(network) a point.

        Raises ValueError for another shape, NaN or inf.
        """
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise ValueError(f"points have shape {points.shape}; wanted finite numbers (n, 2)")
        u_min, u_max, v_min, v_max = self.plane.extent
        u, v = points.T
        inside = np.flatnonzero((u >= u_min) & (u <= u_max) & (v >= v_min) & (v <= v_max))
        found = np.full(len(points), -1)
        codes = self.network.codes(self.plane.points(points[inside]))
        same = np.empty(len(inside), np.int64)
        _core.match(codes.words, self.codes.words, same)
        found[inside] = same
        for i in inside[found[inside] < 0]:
            found[i] = self._nearest(points[i])
        return found

    def _nearest(self, point: Floats) -> int:
        """Return the polygon in which a point lies, or to which it is nearest."""
        start = self.vertices[self.polygons]
        following = np.arange(1, len(self.polygons) + 1)
        following[self.offsets[1:] - 1] = self.offsets[:-1]
        along = start[following] - start
        to = point - start
        left = along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]
        left /= np.maximum(np.hypot(*along.T), np.finfo(np.float64).tiny)
        return int(np.minimum.reduceat(left, self.offsets[:-1]).argmax())

    def decision_boundary(self) -> DecisionBoundary:
        """Return where the largest output changes, exactly: inside polygons the outputs are linear.

        For a network of one output: where it changes its sign, from 0 (not positive) to 1. Cuts
        the window once more, by the outputs too.
        """
        from .decisions import decision_boundary  # noqa: PLC0415  # it cuts slices, which are these

        return decision_boundary(self)

    def tables(self) -> Sequence[Table]:
        """Return the polygons, their areas, and the boundaries of each layer."""
        inner = self.edge_layer >= 0
        lengths = self.edge_lengths()
        size = self.plane.window_area
        about = Table(
            "exact slice",
            ["quantity", "value"],
            [
                ["polygons", f"{len(self):,}"],
                ["vertices", f"{len(self.vertices):,}"],
                ["edges", f"{len(self.edges):,}"],
                ["polygons with a vertex in doubt", f"{int(self.ambiguous.sum()):,}"],
                ["area of the window", f"{size:.6g}"],
                ["polygons per unit of area", f"{len(self) / size:.6g}"],
                ["median area of a polygon", f"{float(np.median(self.areas)):.3g}"],
            ],
        )
        rows = []
        for number, layer in enumerate(self.layers):
            mine = inner & (self.edge_layer == number)
            units = len(np.unique(self.edge_unit[mine]))
            length = float(lengths[mine].sum())
            rows.append([layer.name, f"{units:,} / {layer.bits:,}", f"{mine.sum():,}"])
            rows[-1].append(f"{length:.6g}")
        header = ["layer", "bits with a boundary", "edges", "length"]
        return [about, Table("boundaries by layer", header, rows)]


def slice_of(
    network: Network, plane: Plane, cut: _core.Slice, coordinates: Tensor, outputs: Tensor
) -> Slice2D:
    """Gather what was cut; coordinates and outputs are (vertices made, 2) and (..., outputs)."""
    ids, offsets, polygons, edges, beside, places, ambiguous, words = cut.partition()
    vertices = coordinates.numpy()[ids]
    layer, unit = _bits_of(places, network.layers)
    return Slice2D(
        network,
        plane,
        vertices,
        offsets,
        polygons,
        Codes._trusted(words, network.layers),
        _areas(vertices, offsets, polygons) * plane.unit_area,
        outputs.numpy()[ids].reshape(len(ids), *network.output_shape),
        edges,
        beside,
        layer,
        unit,
        ambiguous.view(np.bool_),
        {
            "polygons": len(offsets) - 1,
            "vertices": len(ids),
            "vertices made": cut.vertices,
            "edges": len(edges),
        },
    )


def _bits_of(places: Whole, layers: Sequence[Layer]) -> tuple[Whole, Whole]:
    """Return layer and bit of places in a code (64 times the word, plus the bit); -1 for -1."""
    first = 64 * np.cumsum([0, *(layer.words for layer in layers)])
    layer = np.where(places < 0, -1, np.searchsorted(first, places, side="right") - 1)
    return layer, np.where(places < 0, -1, places - first[layer])


def _areas(vertices: Floats, offsets: Whole, polygons: Whole) -> Floats:
    """Return the areas in (u, v), by the shoelace formula around each polygon's first vertex."""
    sizes = np.diff(offsets)
    corner = vertices[polygons] - np.repeat(vertices[polygons[offsets[:-1]]], sizes, axis=0)
    after = np.roll(corner, -1, axis=0)
    after[offsets[1:] - 1] = 0.0  # the first vertex of the polygon
    twice = corner[:, 0] * after[:, 1] - corner[:, 1] * after[:, 0]
    found: Floats = np.add.reduceat(twice, offsets[:-1]) / 2
    return found

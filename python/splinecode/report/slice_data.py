"""A slice as the slice viewer reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .code_tree import code_tree, polygon_sides
from .packing import packed

if TYPE_CHECKING:
    from ..slices import Slice2D

MOST_OUTPUTS = 12
"""Outputs that a page holds: those that are largest somewhere, if there are more."""


def slice_data(found: Slice2D) -> dict[str, Any]:
    """Return a `Slice2D` as JSON with packed arrays.

    Vertices go as float32 shares of the window, outputs as float32, codes as the bits that change
    between neighbours: some 60 bytes a polygon before compression, with one output.
    """
    low = np.array(found.plane.extent)[[0, 2]]
    size = np.array(found.plane.extent)[[1, 3]] - low
    tree = code_tree(found.codes.words, found.edge_polygons)
    sides = polygon_sides(found.offsets, found.polygons, found.edges, len(found.vertices))
    values = found.values.reshape(len(found.vertices), -1)
    shown = shown_outputs(values)
    return {
        "extent": [float(end) for end in found.plane.extent],
        "layers": [{"name": layer.name, "bits": layer.bits} for layer in found.codes.layers],
        "outputs": shown.tolist(),
        "allOutputs": values.shape[1],
        "vertices": packed((found.vertices - low) / size, "float32"),
        "offsets": packed(found.offsets, "uint32"),
        "corners": packed(found.polygons, "uint32"),
        "sides": packed(sides, "uint32"),
        "areas": packed(found.areas, "float32"),
        "values": packed(values[:, shown], "float32"),
        "parent": packed(np.maximum(tree.parent, 0), "uint32"),
        "flipOffsets": packed(tree.offsets, "uint32"),
        "flips": packed(tree.places, "uint32"),
        "edgeLayer": packed(found.edge_layer + 1, "uint32"),
        "edgeUnit": packed(np.maximum(found.edge_unit, 0), "uint32"),
    }


def shown_outputs(values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the outputs to show, rising: all, or those that win most rows of (n, outputs)."""
    outputs = values.shape[1]
    if outputs <= MOST_OUTPUTS:
        return np.arange(outputs)
    wins = np.bincount(values.argmax(axis=1), minlength=outputs)
    return np.sort(np.lexsort((-values.max(axis=0), -wins))[:MOST_OUTPUTS])

"""Slices made by hand, for the report's viewer: a grid of rectangles, whose codes are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splinecode import Codes, Layer, pack


@dataclass(frozen=True)
class Window:
    extent: tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """Rectangles cut by the upright lines of layer "first" and the level ones of layer "second"."""

    plane: Window
    vertices: np.ndarray
    offsets: np.ndarray
    polygons: np.ndarray
    codes: Codes
    areas: np.ndarray
    values: np.ndarray
    edges: np.ndarray
    edge_polygons: np.ndarray
    edge_layer: np.ndarray
    edge_unit: np.ndarray


def grid(columns: int, rows: int, extent=(0.0, 2.0, 0.0, 1.0), outputs: int = 3) -> Grid:
    """A unit is on to the right of (above) its line; outputs are linear in (u, v)."""
    u = np.linspace(extent[0], extent[1], columns + 1)
    v = np.linspace(extent[2], extent[3], rows + 1)
    vertices = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    j, i = map(np.ravel, np.mgrid[:rows, :columns])
    corner = j * (columns + 1) + i
    polygons = np.stack([corner, corner + 1, corner + columns + 2, corner + columns + 1], axis=1)
    bits_first = i[:, None] > np.arange(columns - 1)
    bits_second = j[:, None] > np.arange(rows - 1)
    layers = (Layer("first", columns - 1), Layer("second </script>", rows - 1))
    words = np.concatenate([pack(bits_first), pack(bits_second)], axis=1)
    weights = np.arange(2 * outputs).reshape(2, outputs) - 1.5
    sizes = (u[1] - u[0]) * (v[1] - v[0])
    return Grid(
        Window(extent),
        vertices,
        4 * np.arange(columns * rows + 1),
        polygons.ravel(),
        Codes(words, layers),
        np.full(columns * rows, sizes),
        vertices @ weights,
        *_edges(columns, rows),
    )


def _edges(columns: int, rows: int) -> tuple[np.ndarray, ...]:
    edges, beside, layer, unit = [], [], [], []
    for j in range(rows):
        for i in range(columns + 1):
            a = j * (columns + 1) + i
            edges.append((a, a + columns + 1))
            left = j * columns + i - 1 if i > 0 else -1
            right = j * columns + i if i < columns else -1
            beside.append((left, right))
            inner = left >= 0 and right >= 0
            layer.append(0 if inner else -1)
            unit.append(i - 1 if inner else -1)
    for j in range(rows + 1):
        for i in range(columns):
            a = j * (columns + 1) + i
            edges.append((a, a + 1))
            above = j * columns + i if j < rows else -1
            below = (j - 1) * columns + i if j > 0 else -1
            beside.append((above, below))
            inner = above >= 0 and below >= 0
            layer.append(1 if inner else -1)
            unit.append(j - 1 if inner else -1)
    return np.array(edges), np.array(beside), np.array(layer), np.array(unit)

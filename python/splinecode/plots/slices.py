"""Slices of input space: polygons and boundaries as vectors, sampled codes as pixels."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.path import Path

from .style import CYCLE, GREY, INK, STYLE, axes_of, caption, legend_above, literal

if TYPE_CHECKING:
    from ..slices import SampledSlice2D, Slice2D

Values = np.ndarray[Any, Any]

_COLOURS = ("code", "area", "output", "layer")
_PALETTE = "cividis"
_FINE, _COARSE = 0.15, 0.4
_MANY = 20_000
"""Polygons whose boundaries are drawn in the finest line."""
_A_PATH = 2_000
"""Polygons or lines of one look go into paths of so many: a path each takes many times as long,
and Agg refuses paths that are too large."""
_SHADES = 128
_PALE = np.array([[0.69, 0.83, 0.92], [0.98, 0.9, 0.72], [0.75, 0.9, 0.83], [0.95, 0.95, 0.95]])
"""Tints of the colours of `style`: blue, yellow, green and grey."""


def slice_2d(
    result: Slice2D,
    *,
    ax: Axes | None = None,
    color_by: str = "code",
    output: int | None = None,
    boundaries: bool = True,
    decision: bool = True,
    title: str = "",
) -> Axes:
    """Draw an exact slice as vectors: a polygon each, its boundaries, the decision boundary on top.

    Parameters
    ----------
    result : Slice2D
    ax : Axes, optional
        By default those of a new figure.
    color_by : {"code", "area", "output", "layer"}
        "code": a pale colour of its own, so that polytopes are told apart. "area": in units of the
        input's area, log scale. "output": the mean of `output` at the polygon's vertices. "layer":
        white polygons, with the boundaries coloured by layer.
    output : int, optional
        The output, in C order, for "output"; by default the first.
    boundaries : bool
        Draw the polygons' boundaries; for "layer" always.
    decision : bool
        Draw where the largest output changes; it cuts the window once more.
    title : title of the axes

    Returns
    -------
    ax : Axes, in (u, v); save with ``ax.figure.savefig("slice.pdf")``

    Raises
    ------
    ValueError : another color_by, or an output that there is not.

    """
    if color_by not in _COLOURS:
        raise ValueError(f"color_by is {color_by!r}; wanted one of {', '.join(_COLOURS)}")
    values = result.values.reshape(len(result.vertices), -1)
    shown = output or 0
    if not 0 <= shown < max(1, values.shape[1]):
        raise ValueError(f"output is {output}; wanted 0 to {values.shape[1] - 1}")
    with rc_context(STYLE):
        ax = axes_of(ax, 6.4, 5.8, title)
        width = _FINE if len(result) > _MANY else _COARSE
        if color_by != "layer":
            _draw_polygons(ax, result, color_by, values[:, shown], shown)
        if color_by == "layer":
            _draw_layers(ax, result, 2 * width)
        elif boundaries:
            inner = result.edge_layer >= 0
            _draw_lines(ax, result.vertices[result.edges[inner]], INK, width, 1)
        if decision:
            _draw_decision(ax, result)
        _frame(ax, result)
        if ax.get_legend_handles_labels()[1]:
            legend_above(ax, 5)
        caption(ax.figure, f"exact: {len(result):,} polygons")
    return ax


def sampled_slice_2d(result: SampledSlice2D, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a sampled slice as pixels, one colour a sampled code.

    Parameters
    ----------
    result : SampledSlice2D
    ax : Axes, optional
        By default those of a new figure.
    title : title of the axes

    Returns
    -------
    ax : Axes, in (u, v), that say how many points were sampled

    """
    with rc_context(STYLE):
        ax = axes_of(ax, 6.4, 5.8, title)
        pixels = _own_colours(result.codes.words)[result.regions]
        ax.imshow(
            pixels,
            extent=result.plane.extent,
            origin="lower",
            interpolation="nearest",
            aspect="auto",
        )
        _frame(ax, result)
        rows, columns = result.regions.shape
        said = f"sampled, not exact: {columns:,} x {rows:,} points, {len(result.codes):,} codes"
        caption(ax.figure, said)
    return ax


def _draw_polygons(ax: Axes, of: Slice2D, color_by: str, values: Values, output: int) -> None:
    if color_by == "code":
        colours, shade = np.unique(_own_colours(of.codes.words), axis=0, return_inverse=True)
    else:
        norm: Normalize
        if color_by == "area":
            positive = of.areas[of.areas > 0]
            norm = LogNorm(np.quantile(positive, 0.05), positive.max(), clip=True)
            shown, label = np.maximum(of.areas, positive.min()), "area (input units squared)"
        else:
            sums = np.add.reduceat(values[of.polygons], of.offsets[:-1])
            shown = sums / np.diff(of.offsets)
            norm = Normalize(shown.min(), shown.max())
            label = f"output {output} (mean at the vertices)"
        bar = ScalarMappable(norm, _PALETTE)
        shade = np.minimum(np.asarray(norm(shown)) * _SHADES, _SHADES - 1).astype(np.int64)
        colours = bar.to_rgba(norm.inverse((np.arange(_SHADES) + 0.5) / _SHADES))
        ax.figure.colorbar(bar, ax=ax, label=label)
    paths, chosen = _paths(of, shade)
    look: dict[str, Any] = {"linewidths": 0, "antialiaseds": False}
    ax.add_collection(PathCollection(paths, facecolors=colours[chosen], **look))


def _paths(of: Slice2D, shade: Values) -> tuple[list[Path], Values]:
    """Return paths of many polygons of one shade, and the shade of each path."""
    order = np.argsort(shade, kind="stable")
    sizes = np.diff(of.offsets)
    corner = _places(of.offsets, order)
    ends = np.cumsum(sizes[order])
    # A path closes each polygon by an entry of its own.
    vertices = np.insert(of.vertices[of.polygons[corner]], ends, 0.0, axis=0)
    codes = np.full(len(vertices), Path.LINETO, Path.code_type)
    ends = ends + np.arange(1, len(ends) + 1)
    codes[ends - 1] = Path.CLOSEPOLY
    codes[np.concatenate([[0], ends[:-1]])] = Path.MOVETO
    changes = np.flatnonzero(np.diff(shade[order])) + 1
    cuts = np.unique(np.concatenate([changes, np.arange(0, len(order), _A_PATH), [len(order)]]))
    at = np.concatenate([[0], ends])[cuts]
    paths = [Path(vertices[a:b], codes[a:b]) for a, b in pairwise(at)]
    return paths, shade[order][cuts[:-1]]


def _places(offsets: Values, order: Values) -> Values:
    """Return the places of the corners of polygons in another order."""
    sizes = np.diff(offsets)[order]
    begins = np.cumsum(sizes) - sizes
    places: Values = np.repeat(offsets[order] - begins, sizes) + np.arange(sizes.sum())
    return places


def _draw_lines(ax: Axes, lines: Values, colour: str, width: float, zorder: float) -> None:
    """Draw lines (n, 2, 2) of one look."""
    paths = []
    for begin in range(0, len(lines), _A_PATH):
        ends = lines[begin : begin + _A_PATH].reshape(-1, 2)
        codes = np.tile(np.array([Path.MOVETO, Path.LINETO], Path.code_type), len(ends) // 2)
        paths.append(Path(ends, codes))
    look: dict[str, Any] = {"facecolors": "none", "edgecolors": colour, "linewidths": width}
    ax.add_collection(PathCollection(paths, zorder=zorder, **look))


def _draw_layers(ax: Axes, of: Slice2D, width: float) -> None:
    for number, layer in enumerate(of.layers):
        lines = of.vertices[of.edges[of.edge_layer == number]]
        if not len(lines):
            continue
        colour = CYCLE[number % len(CYCLE)]
        _draw_lines(ax, lines, colour, width, 2 - 0.01 * number)
        ax.plot([], [], color=colour, label=literal(f"layer {layer.name}"))


def _draw_decision(ax: Axes, of: Slice2D) -> None:
    found = of.decision_boundary()
    if not len(found.start):
        return
    lines = np.stack([found.start, found.end], axis=1)
    _draw_lines(ax, lines, "white", 3.2, 3)
    _draw_lines(ax, lines, INK, 1.6, 3)
    ax.plot([], [], color=INK, linewidth=1.6, label="decision boundary")


def _frame(ax: Axes, of: Slice2D | SampledSlice2D) -> None:
    u_min, u_max, v_min, v_max = of.plane.extent
    ax.set(xlim=(u_min, u_max), ylim=(v_min, v_max))
    ax.set(xlabel="u (p0 at 0, p1 at 1)", ylabel="v (p0 at 0, p2 at 1)")
    points = [(0, 0, "p0"), (1, 0, "p1"), (0, 1, "p2")]
    for u, v, name in points:
        if u_min <= u <= u_max and v_min <= v <= v_max:
            ax.plot(u, v, "o", color="white", markeredgecolor=INK, markersize=5, zorder=4)
            ax.annotate(
                name,
                (u, v),
                xytext=(5, 5),
                textcoords="offset points",
                fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
                zorder=4,
            )
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=GREY)


def _own_colours(words: Values) -> Values:
    """Return a pale colour for each code, the same for the same code: (codes, 3)."""
    key = np.zeros(len(words), np.uint64)
    for column in words.T:  # a multiplicative hash, word by word
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    share = (key >> np.uint64(40)).astype(np.float64) / 2**24
    place = share * len(_PALE)
    tint = _PALE[place.astype(np.int64)]
    shade = 0.84 + 0.16 * np.floor(4 * (place - np.floor(place))) / 3
    colours: Values = tint * shade[:, None]
    return colours

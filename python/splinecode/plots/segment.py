"""One segment: outputs along it and every crossing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ..arrays import Array, as_numpy
from .style import BLUE, GREEN, LIGHT, ORANGE, PINK, STYLE, Panels, figure_of, legend_above, literal


def segment_crossings(
    t: Array,
    layer: Array,
    direction: Array,
    layers: Sequence[str],
    *,
    knots: Array,
    values: Array,
    ends: tuple[Array, Array] | None = None,
    end_classes: tuple[int, int] | None = None,
    title: str = "",
) -> Panels:
    """Draw one segment: the network's outputs along it, and every crossing, layer by layer.

    Parameters
    ----------
    t, layer, direction : arrays (crossings,)
        As in `Crossings`, for one segment: tick up where a unit turns on, down where off.
    layers : names of the layers, the first at the top
    knots, values : float (k,) and (k, outputs)
        The network restricted to the segment: linear between knots.
    ends : two images (rows, columns), optional
        Shown beside t = 0 and t = 1.
    end_classes : two outputs, optional
        Drawn in colour, the others in grey.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (2,): the outputs, and the crossings below them

    Raises
    ------
    ValueError : t, layer and direction, or knots and values, do not belong together.

    """
    t, layer, direction = (
        as_numpy(t, "t"),
        as_numpy(layer, "layer"),
        as_numpy(direction, "direction"),
    )
    knots, values = as_numpy(knots, "knots"), as_numpy(values, "values")
    if not t.shape == layer.shape == direction.shape or t.ndim != 1:
        raise ValueError(
            f"t, layer and direction have shapes {t.shape}, {layer.shape} and "
            f"{direction.shape}; wanted one number a crossing in each"
        )
    if knots.ndim != 1 or values.ndim != 2 or len(knots) != len(values):
        raise ValueError(
            f"knots and values have shapes {knots.shape} and {values.shape}; wanted "
            "(k,) and (k, outputs)"
        )
    with rc_context(STYLE):
        height = 0.6 * len(layers)
        figure = figure_of(11.5, 3.8 + height, title)
        grid = figure.add_gridspec(
            2, 3, width_ratios=[1.15, 6, 1.15], height_ratios=[2.1, max(height, 1)]
        )
        outputs = figure.add_subplot(grid[0, 1])
        raster = figure.add_subplot(grid[1, 1], sharex=outputs)
        _draw_outputs(outputs, knots, values, end_classes)
        _draw_raster(raster, t, layer, direction, layers)
        for end, image in enumerate(ends or ()):
            cell = figure.add_subplot(grid[0, 2 * end])
            _draw_end(cell, as_numpy(image, "ends"), end, end_classes)
    return np.array([outputs, raster])


def _draw_outputs(ax: Axes, knots: Array, values: Array, classes: tuple[int, int] | None) -> None:
    ax.plot(knots, values, color=LIGHT, linewidth=1)
    for output, colour, line in zip(classes or (), (BLUE, ORANGE), ("-", "--"), strict=False):
        ax.plot(knots, values[:, output], line, color=colour, label=f"class {output}")
    if classes:
        ax.plot([], [], color=LIGHT, linewidth=1, label="the others")
        legend_above(ax, 3)
    ax.set_ylabel("output (logit)")
    ax.tick_params(labelbottom=False)


def _draw_raster(ax: Axes, t: Array, layer: Array, direction: Array, layers: Sequence[str]) -> None:
    rows = len(layers) - 1 - layer
    for sign, colour, label in ((1, GREEN, "unit turns on (up)"), (-1, PINK, "turns off (down)")):
        mine = direction == sign
        ax.vlines(
            t[mine],
            rows[mine] + 0.03 * sign,
            rows[mine] + 0.38 * sign,
            color=colour,
            linewidth=1,
            label=label,
        )
    counts = np.bincount(layer, minlength=len(layers))
    for row, count in zip(range(len(layers) - 1, -1, -1), counts, strict=True):
        ax.text(
            1.015,
            row,
            f"{count:,} crossing" + ("" if count == 1 else "s"),
            va="center",
            fontsize=10,
            transform=ax.get_yaxis_transform(),
        )
    ax.set(
        xlim=(0, 1),
        ylim=(-0.6, len(layers) - 0.4),
        yticks=range(len(layers)),
        yticklabels=[literal(name) for name in layers][::-1],
        xlabel=f"position t on the segment ({len(t):,} crossings in all)",
    )
    ax.grid(visible=False)
    legend_above(ax, 2)


def _draw_end(ax: Axes, image: Array, end: int, classes: tuple[int, int] | None) -> None:
    ax.imshow(image, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.set_title(f"t = {end}" + (f": class {classes[end]}" if classes else ""), loc="center")
    for spine in ax.spines.values():
        spine.set(visible=True, color=(BLUE, ORANGE)[end], linewidth=1.5)

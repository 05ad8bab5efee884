"""Distances from inputs to the nearest boundary, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .style import INK, STYLE, axes_of, layer_looks, legend_above, literal

if TYPE_CHECKING:
    from ..lens import NearestBoundaries


def nearest_boundaries(
    result: NearestBoundaries, *, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw which share of inputs has a boundary within a distance: a line a layer, and one of all.

    Parameters
    ----------
    result : NearestBoundaries
    ax : Axes, optional
    title : title of the axes

    Returns
    -------
    ax : Axes, its x axis logarithmic

    Raises
    ------
    ValueError : no input has a boundary at a distance.

    """
    finite = result.distance[np.isfinite(result.distance) & (result.distance > 0)]
    if len(finite) == 0:
        raise ValueError("result has no distance between 0 and inf; wanted at least one")
    lines = [(layer.name, result.distance[:, i]) for i, layer in enumerate(result.layers)]
    looks = [dict(look, marker="") for look in layer_looks(len(lines))]
    lines.append(("any layer (exact)", result.least))
    looks.append({"color": INK, "linestyle": "-", "marker": ""})
    with rc_context(STYLE):
        ax = axes_of(ax, title=title)
        for (name, distances), look in zip(lines, looks, strict=True):
            reached = np.sort(distances[np.isfinite(distances)])
            share = 100 * np.arange(1, len(reached) + 1) / len(distances)
            ax.step(reached, share, where="post", label=literal(name), **look)
        ax.set_xscale("log")
        norm = {1: "L1", 2: "L2"}.get(int(result.norm) if result.norm < 3 else 0, "L-infinity")
        ax.set(
            xlabel=f"{norm} distance (units of the input)",
            ylabel="inputs with a boundary\nas near as this (%)",
            ylim=(0, 102),
        )
        legend_above(ax, 4)
    return ax

"""Codes along a path: transitions step by step, and how far it is from its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .style import (
    INK,
    ORANGE,
    STYLE,
    Panels,
    caption,
    figure_of,
    layer_looks,
    legend_above,
    literal,
    name_of_path,
    need_some,
)

if TYPE_CHECKING:
    from ..lens import PathAnalysis


def paths(result: PathAnalysis, *, path: int = 0, title: str = "") -> Panels:
    """Draw one path: its transitions, and its Hamming distance from the start.

    Above, sampled transitions of each step per unit length, all layers together, with the exact
    crossings beside them where they are known; the dotted line is the first boundary. Below, the
    distance from the first point, layer by layer, as a share of the layer's units.

    Parameters
    ----------
    result : PathAnalysis
    path : int
        Which one.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (2,); save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    IndexError : there is no such path.

    """
    name = name_of_path(path, len(result.step_length))
    need_some(result.layers, "layers")
    arc = result.arc_length[path]
    with rc_context(STYLE):
        figure = figure_of(7.5, 5.8, title)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.2, 1])
        _draw_rates(above, result, path, arc)
        looks = layer_looks(len(result.layers))
        for i, (layer, look) in enumerate(zip(result.layers, looks, strict=True)):
            share = result.from_start[path, :, i] / max(1, layer.bits)
            below.plot(arc, 100 * share, label=literal(layer.name), **look)
        below.set(xlabel="length along the path (units of the input)", xlim=(arc[0], arc[-1] or 1))
        below.set_ylabel("units that differ\nfrom the start (%)")
        below.set_ylim(bottom=0)
        legend_above(below, min(6, len(result.layers)))
        caption(figure, f"{name}; space folding {_number(result, path)}")
    return np.array([above, below])


def _draw_rates(ax: Axes, result: PathAnalysis, path: int, arc: NDArray[np.float64]) -> None:
    sampled = result.transitions[path].sum(axis=1)
    ax.stairs(_rate(sampled, arc), arc, color=INK, label=f"sampled ({sampled.sum():,})")
    if result.exact is not None and result.first_exact is not None:
        exact = result.exact[path].sum(axis=1)
        label = f"exact ({exact.sum():,})"
        ax.stairs(_rate(exact, arc), arc, color=ORANGE, linestyle="--", label=label)
        if np.isfinite(result.first_exact[path]):
            ax.axvline(result.first_exact[path], color=ORANGE, linestyle=":", linewidth=1.5)
    ax.set_ylabel("boundaries crossed\nper unit length")
    ax.set_ylim(bottom=0)
    legend_above(ax, 2)


def _rate(counts: NDArray[np.int64], arc: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.diff(arc)
    return np.divide(counts, lengths, out=np.zeros(len(counts)), where=lengths > 0)


def _number(result: PathAnalysis, path: int) -> str:
    folding = result.folding[path]
    return f"{folding:.2f}" if np.isfinite(folding) else "not defined (no transitions)"

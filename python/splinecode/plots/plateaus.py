"""Output, Jacobian and codes along a path, with its plateau."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .style import (
    BLUE,
    GREEN,
    INK,
    STYLE,
    Panels,
    caption,
    figure_of,
    layer_looks,
    legend_above,
    literal,
    name_of_path,
)

if TYPE_CHECKING:
    from ..lens import Plateaus


def plateaus(result: Plateaus, *, path: int = 0, title: str = "") -> Panels:
    """Draw one path: where its output is between its ends, how fast it changes, and codes.

    From above: relative distance of the output; output change per unit length with the Jacobian's
    norm; units flipped per unit length, layer by layer, as a share of the layer. The plateau is
    shaded.

    Parameters
    ----------
    result : Plateaus
    path : int
        Which one.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (3,); save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    IndexError : there is no such path.

    """
    name = name_of_path(path, len(result.step_length))
    arc = np.concatenate([[0.0], result.step_length[path].cumsum()])
    with rc_context(STYLE):
        figure = figure_of(7.5, 7.6, title)
        axes: Panels = figure.subplots(3, 1, sharex=True)
        axes[0].plot(arc, result.relative_distance[path], color=INK)
        axes[0].set_ylabel("relative distance\nof the output")
        axes[0].set_ylim(-0.03, 1.03)
        _draw_rates(axes[1], result, path, arc)
        _draw_codes(axes[2], result, path, arc)
        begin, end = result.plateau[path]
        for ax in axes:
            if end > begin:
                ax.axvspan(arc[begin], arc[end], color=GREEN, alpha=0.15, linewidth=0)
        axes[2].set(xlabel="length along the path (units of the input)", xlim=(0, arc[-1] or 1))
        share = result.plateau_share[path]
        caption(figure, f"{name}; plateau (shaded): {share:.0%} of it")
    return axes


def _draw_rates(ax: Axes, result: Plateaus, path: int, arc: NDArray[np.float64]) -> None:
    change = np.nan_to_num(result.sensitivity[path])
    ax.stairs(change, arc, color=INK, label="output change per unit length")
    ax.set_ylabel("output change\nper unit length")
    ax.set_ylim(bottom=0)
    if result.jacobian is None or result.jacobian_error is None:
        return
    beside = ax.twinx()
    norm, error = result.jacobian[path], result.jacobian_error[path]
    estimated = bool(error.any())
    label = "Jacobian norm" + (" (estimate, +- 1 standard error)" if estimated else "")
    ax.plot([], [], color=BLUE, linestyle="--", label=label)
    beside.plot(arc, norm, color=BLUE, linestyle="--")
    if estimated:
        beside.fill_between(arc, norm - error, norm + error, color=BLUE, alpha=0.2, linewidth=0)
    beside.set_ylim(bottom=0)
    beside.set_ylabel("Frobenius norm", color=BLUE)
    beside.tick_params(axis="y", colors=BLUE)
    beside.spines["right"].set(visible=True, color=BLUE)
    beside.grid(visible=False)
    legend_above(ax, 2)


def _draw_codes(ax: Axes, result: Plateaus, path: int, arc: NDArray[np.float64]) -> None:
    rates = np.nan_to_num(result.hamming_per_length[path])
    looks = layer_looks(len(result.layers))
    for i, (layer, look) in enumerate(zip(result.layers, looks, strict=True)):
        values = 100 * rates[:, i] / max(1, layer.bits)
        ax.stairs(
            values, arc, label=literal(layer.name), **{k: look[k] for k in ("color", "linestyle")}
        )
    ax.set_ylabel("units flipped\nper unit length (%)")
    ax.set_ylim(bottom=0)
    legend_above(ax, min(6, len(result.layers)))

"""Boundaries along alpha x or a feature direction, and the class along it."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .style import CYCLE, GREY, INK, LINES, PALE, STYLE, Panels, caption, figure_of, literal

if TYPE_CHECKING:
    from ..lens.lines.line_density import LineDensity

_INPUT = {"alpha": 1.0, "beta": 0.0}
_LABELS = {
    "alpha": r"$\alpha$ (points are $\alpha x$)",
    "beta": r"$\beta$ (points are $x + \beta d$)",
}


def line_density(result: LineDensity, *, confidence: float = 0.95, title: str = "") -> Panels:
    """Show how dense boundaries are along the lines, and how long inputs keep their class.

    Top: mean crossings per unit of L2 length, all layers with the bootstrap interval of the mean,
    and each layer; shaded is the shell that holds half of them. Below, for a classifier: the share
    of inputs of the class of the input itself, which stands at the dotted line.

    Parameters
    ----------
    result : LineDensity from `lens.scaling` or `lens.directions`
    confidence : float, of the band
    title : title of the figure

    Returns
    -------
    axes : array of Axes, one or two; save with ``axes[0].figure.savefig(path)``

    """
    kept = result.kept()
    panels = 1 if kept is None else 2
    with rc_context(STYLE):
        figure = figure_of(8, 3.6 + 1.8 * (panels - 1), title)
        axes = figure.subplots(
            panels, 1, sharex=True, squeeze=False, height_ratios=[2.2, 1][:panels]
        )[:, 0]
        _draw_density(axes[0], result, confidence)
        if kept is not None:
            axes[1].plot(result.edges, kept, color=INK)
            axes[1].set(ylabel="own class kept", ylim=(0, 1.04))
            axes[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for ax in axes:
            ax.axvline(_INPUT[result.parameter], color=GREY, linewidth=1, linestyle=":")
        axes[-1].set(xlabel=_LABELS[result.parameter], xlim=(result.edges[0], result.edges[-1]))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=4)
        caption(figure, f"band: {100 * confidence:g} %; dotted: the input")
    return axes


def _draw_density(ax: Axes, result: LineDensity, confidence: float) -> None:
    mean, edges = result.mean_density(confidence=confidence), result.edges
    low, high = result.mean_shell()
    if np.isfinite(low):
        ax.axvspan(low, high, color=PALE, label="half of all crossings")
    ax.stairs(mean.high, edges, baseline=mean.low, fill=True, color=INK, alpha=0.25)
    ax.stairs(mean.value, edges, color=INK, linewidth=2, label="all layers", baseline=None)
    looks = zip(result.layers, result.layer_density().T, _looks(len(result.layers)), strict=True)
    for name, density, (colour, line) in looks:
        look = {"color": colour, "linestyle": line, "linewidth": 1.4}
        ax.stairs(density, edges, baseline=None, label=literal(name), **look)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("crossings\nper unit of L2 length")


def _looks(layers: int) -> list[tuple[Any, str]]:
    """Return colours and line styles: those that tell layers apart, or of depth where many."""
    colours: Any = CYCLE[:-1]
    if layers > len(colours):
        colours = colormaps["cividis"](np.linspace(0, 0.9, layers))
    return [(colour, line) for colour, line, _ in zip(colours, cycle(LINES), range(layers))]

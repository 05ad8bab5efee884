"""Kernels of codes, similarity of layers, and what units do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .style import BLUE, GREY, ORANGE, STYLE, Panels, axes_of, first_or_all, literal, name_places

if TYPE_CHECKING:
    from ..lens import CodeSimilarity, Naswot, UnitStatistics

_COLOURS = "cividis"
_ANNOTATED = 12
"""Most layers whose numbers fit into the cells."""


def naswot(result: Naswot, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the kernel of a batch: the share of units that two inputs have in the same state.

    Parameters
    ----------
    result : Naswot
    ax : Axes, optional
    title : title of the axes; by default the scores

    Returns
    -------
    ax : Axes

    """
    scores = f"log det {result.log_determinant:,.1f}; {result.distinct:,} distinct codes"
    with rc_context(STYLE):
        ax = axes_of(ax, 5.8, 4.8, title or scores)
        share = result.kernel / max(result.bits, 1)
        image = ax.imshow(share, cmap=_COLOURS, vmax=1, interpolation="nearest")
        bar = ax.figure.colorbar(image, ax=ax, label="units in the same state")
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set(xlabel="input", ylabel="input")
        ax.grid(visible=False)
    return ax


def code_similarity(result: CodeSimilarity, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the alignment of the layers' kernels, layers of a down and of b across.

    Parameters
    ----------
    result : CodeSimilarity
    ax : Axes, optional
    title : title of the axes

    Returns
    -------
    ax : Axes

    """
    rows, columns = result.alignment.shape
    with rc_context(STYLE):
        ax = axes_of(ax, 2.6 + 0.62 * max(columns, 4), 1.7 + 0.62 * max(rows, 3), title)
        image = ax.imshow(result.alignment, cmap=_COLOURS, vmin=0, vmax=1)
        ax.figure.colorbar(image, ax=ax, label="alignment of kernels (linear CKA)")
        ax.set_xticks(
            range(columns), [literal(name) for name in result.layers_b], rotation=45, ha="right"
        )
        ax.set_yticks(range(rows), [literal(name) for name in result.layers_a])
        ax.set(xlabel="layer of b", ylabel="layer of a")
        ax.grid(visible=False)
        if max(rows, columns) <= _ANNOTATED:
            for (i, j), value in np.ndenumerate(result.alignment):
                colour = "black" if value > 0.6 else "white"
                text = "-" if np.isnan(value) else f"{value:.2f}"
                ax.text(j, i, text, ha="center", va="center", fontsize=9, color=colour)
    return ax


def unit_statistics(result: UnitStatistics, *, ax: Axes | None = None, title: str = "") -> Panels:
    """Draw the firing rates of every layer's units, and how many are dead or always on.

    Parameters
    ----------
    result : UnitStatistics
    ax : Axes, optional
        For the firing rates alone.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (1,) or (2,)

    """
    with rc_context(STYLE):
        width = 2 + 2 * max(3.4, 0.9 * len(result.layers))
        axes = first_or_all(ax, 2, width, 4.2, title)
        _rates(axes[0], result)
        if len(axes) > 1:
            _constant(axes[1], result)
    return axes


def _rates(ax: Axes, result: UnitStatistics) -> None:
    """Draw sorted rates: a layer's units from its left to its right, the rarest first."""
    for i in range(len(result.layers)):
        rates = np.sort(result.rates[result.layer == i])
        x = i - 0.4 + 0.8 * (np.arange(len(rates)) + 0.5) / max(len(rates), 1)
        ax.fill_between(x, rates, color=BLUE, alpha=0.25, linewidth=0)
        ax.plot(x, rates, color=BLUE, linewidth=1.5)
    name_places(ax, result.layers)
    ax.set(xlabel="layer; its units by rate", ylabel="firing rate: inputs with the unit active")
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _constant(ax: Axes, result: UnitStatistics) -> None:
    layers = len(result.layers)
    units = np.maximum(np.bincount(result.layer, minlength=layers), 1)
    looks = (("dead", result.dead, GREY, -0.2), ("always on", result.always_on, ORANGE, 0.2))
    for name, flags, colour, shift in looks:
        number = np.bincount(result.layer[flags], minlength=layers)
        bars = ax.bar(np.arange(layers) + shift, number / units, 0.36, color=colour, label=name)
        ax.bar_label(bars, [f"{count:,}" for count in number], fontsize=9, padding=2)
    name_places(ax, result.layers)
    ax.set(xlabel="layer", ylabel="units constant over the inputs")
    ax.set_ylim(0, max(0.05, 1.15 * ax.dataLim.ymax))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend()

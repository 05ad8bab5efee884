"""The boundary density of pairs, layer by layer, with its bootstrap intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .style import BLUE, GREY, INK, ORANGE, STYLE, Panels, caption, name_places, panels_of

if TYPE_CHECKING:
    from ..lens.density.result import BoundaryDensity
    from ..lens.statistics.bootstrap import Interval

_WIDTH_OF_GROUP = 0.5
_GROUPS = (("same class", BLUE, "o"), ("different classes", ORANGE, "s"))


def boundary_density(result: BoundaryDensity, *, title: str = "") -> Panels:
    """Show the mean boundary density of each layer, and how many times as dense other classes are.

    Left: means with their intervals. Right, where pairs have kinds: the ratio of different-class to
    same-class density. Filled marks count bits that differ at the ends, hollow ones every crossing.
    The spread of single pairs is `density_by_layer`'s: ``density_by_layer(result.by_kind(),
    result.layers)``. Layers differ in size: ``result.per_bit()`` makes them comparable.

    Parameters
    ----------
    result : BoundaryDensity
    title : title of the figure

    Returns
    -------
    axes : array of Axes, two panels or one; save with ``axes[0].figure.savefig(path)``

    """
    names = [*result.layers, "all\nlayers"]
    panels = 1 if result.comparison is None else 2
    width = panels * max(4.5, 1.5 + 0.9 * len(names))
    with rc_context(STYLE):
        axes = panels_of(panels, width, 4.4, title)
        _draw_means(axes[0], result)
        axes[0].set_ylabel(f"{result.unit}\nper unit of L2 distance")
        axes[0].set_ylim(bottom=0)
        if result.comparison is not None:
            ratios = {name: found.ratio for name, found in result.comparison.items()}
            _draw(axes[1], ratios, "ratio", INK, "D")
            axes[1].axhline(1, color=GREY, linewidth=1)
            axes[1].set_ylabel("density between classes /\ndensity within a class")
        for ax in axes:
            name_places(ax, names)
        figure = axes[0].figure
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        caption(figure, f"bars: {100 * result.confidence:g} % bootstrap intervals")
    return axes


def _draw_means(ax: Axes, result: BoundaryDensity) -> None:
    if result.comparison is None:
        assert result.means is not None
        _draw(ax, result.means, "all pairs", INK, "D")
        return
    for i, (label, colour, marker) in enumerate(_GROUPS):
        means = {name: found[i] for name, found in result.comparison.items()}
        _draw(ax, means, label, colour, marker, shift=(i - 0.5) * _WIDTH_OF_GROUP / 2)


def _draw(
    ax: Axes, means: Any, label: str, colour: str, marker: str, *, shift: float = 0.0
) -> None:
    """Draw the intervals of every count beside each other; the exact ones are hollow."""
    for k, (name, found) in enumerate(means.items()):
        x = np.arange(len(found.value)) + shift + (k - (len(means) - 1) / 2) * 0.12
        ax.errorbar(
            x,
            found.value,
            yerr=_reach(found),
            fmt=marker,
            color=colour,
            markerfacecolor="white" if name == "exact" else colour,
            markersize=6,
            linewidth=1.4,
            label=f"{label}, {name}",
        )


def _reach(found: Interval) -> np.ndarray[Any, Any]:
    """Return how far the interval reaches down and up: (2, columns)."""
    return np.stack([found.value - found.low, found.high - found.value]).clip(min=0)

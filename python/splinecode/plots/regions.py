"""How many polytopes inputs occupy, and how pure these are beside chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    STYLE,
    Panels,
    axes_of,
    caption,
    first_or_all,
    name_places,
)

if TYPE_CHECKING:
    from ..lens import Occupancy, Regions, SharedRegions


def regions(result: Regions, *, ax: Axes | None = None, title: str = "") -> Panels:
    """Draw the polytopes that inputs occupy by layer, and their purity beside chance.

    Parameters
    ----------
    result : Regions
    ax : Axes, optional
        For the occupancy alone.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (1,), or (2,) with the purity where there are labels and no `ax`

    """
    with rc_context(STYLE):
        columns = 1 if result.each[0].purity is None else 2
        width = 1.2 + columns * max(4.2, 0.9 + 0.8 * len(result.each))
        axes = first_or_all(ax, columns, width, 4.4, title)
        _occupancy(axes[0], result)
        if len(axes) > 1:
            _purity(axes[1], result)
            caption(
                axes[0].figure,
                "purity: inputs with the main label of their polytope, of those not alone in it",
            )
    return axes


def shared_regions(result: SharedRegions, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the share of the inputs of a and of b that lie in a polytope of both, by layer.

    Parameters
    ----------
    result : SharedRegions
    ax : Axes, optional
    title : title of the axes

    Returns
    -------
    ax : Axes

    """
    names = [part.name for part in result.each]
    with rc_context(STYLE):
        ax = axes_of(ax, max(6.5, 2 + 0.8 * len(names)), 4.2, title)
        looks = (
            ("each", "this layer alone", "o", "--"),
            ("cumulative", "layers up to it", "s", "-"),
        )
        for kind, words, marker, line in looks:
            parts = getattr(result, kind)
            for batch, colour in (("a", BLUE), ("b", ORANGE)):
                inputs = result.inputs["ab".index(batch)]
                shares = [getattr(part, f"inputs_{batch}") / inputs for part in parts]
                label = f"inputs of {batch}, {words}"
                ax.plot(shares, line, color=colour, marker=marker, label=label)
        name_places(ax, names)
        ax.set(ylim=(0, 1.03), xlabel="layer", ylabel="inputs in a polytope of both")
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.legend()
    return ax


def _occupancy(ax: Axes, result: Regions) -> None:
    places = np.arange(len(result.each))
    looks = (
        (result.each, "this layer alone", BLUE, -0.2),
        (result.cumulative, "up to it", GREEN, 0.2),
    )
    for parts, words, colour, shift in looks:
        distinct = [part.distinct for part in parts]
        single = [part.singletons for part in parts]
        ax.bar(
            places + shift, distinct, 0.36, color=colour, alpha=0.45, label=f"polytopes, {words}"
        )
        ax.bar(places + shift, single, 0.36, color=colour, label="with one input")
    inputs = result.each[0].inputs
    ax.axhline(inputs, color=GREY, linestyle="--", linewidth=1, label=f"inputs: {inputs:,}")
    name_places(ax, [part.name for part in result.each])
    ax.set(xlabel="layer", ylabel="polytopes occupied", ylim=(0, inputs * 1.02))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    _legend_below(ax, 2)


def _purity(ax: Axes, result: Regions) -> None:
    looks = (
        (result.each, "this layer alone", BLUE, "o"),
        (result.cumulative, "up to it", GREEN, "s"),
    )
    for parts, words, colour, marker in looks:
        ax.plot(_shares(parts, "value"), marker=marker, color=colour, label=f"purity, {words}")
        chance = _shares(parts, "chance")
        ax.plot(chance, ":", marker=marker, color=colour, fillstyle="none", label="by chance")
    name_places(ax, [part.name for part in result.each])
    ax.set(xlabel="layer", ylabel="purity of shared polytopes", ylim=(0, 1.03))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _legend_below(ax, 2)


def _shares(parts: Sequence[Occupancy], name: str) -> list[float]:
    return [getattr(part.purity_shared, name) for part in parts]


def _legend_below(ax: Axes, columns: int) -> None:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=columns)

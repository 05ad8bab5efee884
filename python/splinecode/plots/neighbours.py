"""How often neighbours share the query's label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..arrays import Array, as_numpy
from .style import (
    BLUE,
    GREEN,
    INK,
    MARKERS,
    ORANGE,
    PINK,
    STYLE,
    Panels,
    caption,
    literal,
    need_some,
    panels_of,
)


def label_agreement(
    panels: Mapping[str, Mapping[str, Array]], *, chance: float | None = None, title: str = ""
) -> Panels:
    """Plot how often the neighbour of rank 1, 2, ... has the query's label.

    Parameters
    ----------
    panels : mapping of panel title to a mapping of the metric's name to float (ranks,)
        Shares from 0 to 1; the same metrics in all panels, at most five.
    chance : float, optional
        Share that random neighbours would have, told below the panels.
    title : title of the figure

    Returns
    -------
    axes : array of Axes, a panel each; save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    ValueError : no panel, or more than five metrics.

    """
    need_some(panels, "panels")
    looks = [
        {"color": colour, "linestyle": line, "marker": marker}
        for colour, line, marker in zip(
            (BLUE, ORANGE, GREEN, PINK, INK), ("-", "--", "-.", ":", "-"), MARKERS, strict=True
        )
    ]
    with rc_context(STYLE):
        axes = panels_of(len(panels), max(6.5, 1.2 + 2.9 * len(panels)), 4.2, title, sharey=True)
        figure = axes[0].figure
        for ax, (name, curves) in zip(axes, panels.items(), strict=True):
            if len(curves) > len(looks):
                raise ValueError(
                    f"panel {name!r} has {len(curves)} metrics; wanted at most {len(looks)}"
                )
            for (metric, shares), look in zip(curves.items(), looks, strict=False):
                values = as_numpy(shares, metric)
                ranks = 1 + np.arange(len(values))
                ax.plot(ranks, values, label=literal(metric), markersize=5, markevery=0.15, **look)
            ax.set(title=literal(name), xlabel="rank of the neighbour", xlim=(0, None))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[0].set_ylabel("neighbours with the query's label")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=5)
        if chance is not None:
            caption(figure, f"random neighbours: {chance:.1%}")
    return axes

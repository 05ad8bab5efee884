"""How many of the exact crossings coarser counts miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from ..arrays import Array, as_numpy
from .style import FINENESS, MARKERS, ORANGE, STYLE, Panels, literal, name_places, panels_of


def counts_by_method(
    counts: Mapping[str, Array], layers: Sequence[str], *, title: str = ""
) -> Panels:
    """Show how many of the exact crossings coarser counts miss.

    Left: a dot is a segment, all layers together, a bar the mean. Right: layer by layer, all
    segments together.

    Parameters
    ----------
    counts : mapping of the count's name to int (segments, layers)
        From the coarsest to the exact one, which is last: at least two, at most six.
    layers : names of the layers
    title : title of the figure

    Returns
    -------
    axes : array of Axes, a panel each; save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    ValueError : another number of counts, or counts that are not (segments, layers) with at least
        one segment.

    """
    rows = _checked_counts(counts, len(layers))
    *_, exact_name = rows
    exact = rows.pop(exact_name)
    missed = {name: exact - found for name, found in rows.items()}
    with rc_context(STYLE):
        axes = panels_of(2, 11, 4.6, title, width_ratios=[1, 1.1])
        left, right = axes
        _draw_missed_by_segment(left, {name: rest.sum(axis=1) for name, rest in missed.items()})
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {n: rest.sum(axis=0) / exact.sum(axis=0) for n, rest in missed.items()}
        _draw_missed_by_layer(right, shares, layers)
        left.set_title(f"each segment (0: {exact_name})")
        right.set_title(f"each layer (0: {exact_name})")
    return axes


def _draw_missed_by_segment(ax: Axes, missed: dict[str, np.ndarray[Any, Any]]) -> None:
    looks = zip(FINENESS[-len(missed) :], MARKERS, strict=False)
    for place, (values, (colour, marker)) in enumerate(zip(missed.values(), looks, strict=True)):
        jitter = np.random.default_rng(place).uniform(-0.3, 0.3, len(values))
        ax.plot(place + jitter, values, marker, color=colour, markersize=3.5, alpha=0.5, mew=0)
        ax.hlines(values.mean(), place - 0.36, place + 0.36, color=ORANGE, linewidth=2.5)
    if ax.get_ylim()[1] > 30:
        ax.set_yscale("symlog", linthresh=1, linscale=0.4)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.set_ylim(bottom=min(-0.4, 1.2 * min(values.min() for values in missed.values())))
    ax.set_ylabel("crossings missed on a segment")
    name_places(ax, [f"{name}\nmean {values.mean():,.3g}" for name, values in missed.items()])


def _draw_missed_by_layer(
    ax: Axes, shares: dict[str, np.ndarray[Any, Any]], layers: Sequence[str]
) -> None:
    looks = zip(FINENESS[-len(shares) :], MARKERS, strict=False)
    for (name, values), (colour, marker) in zip(shares.items(), looks, strict=True):
        ax.plot(
            values, marker + "-", color=colour, label=literal(name), markersize=7, clip_on=False
        )
    ax.set_ylabel("share of crossings missed")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="upper left")
    name_places(ax, layers)


def _checked_counts(counts: Mapping[str, Array], layers: int) -> dict[str, np.ndarray[Any, Any]]:
    most = len(FINENESS) + 1
    if not 2 <= len(counts) <= most:
        raise ValueError(f"counts holds {len(counts)}; wanted 2 to {most}, the exact one last")
    rows = {name: as_numpy(values, name) for name, values in counts.items()}
    segments = len(next(iter(rows.values())))
    for name, values in rows.items():
        if segments == 0 or values.shape != (segments, layers):
            raise ValueError(
                f"counts[{name!r}] has shape {values.shape}; wanted the same in all, "
                f"(segments, {layers}) with at least one segment"
            )
    return rows

"""The figure of the growth cases: seconds against crossings and against depth, with the floor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..plots.style import BLUE, GREEN, MARKERS, ORANGE, STYLE
from .case import Result
from .growth import GROUP

_LABELS = {
    "segments": "more segments of a {net} net",
    "width": "wider nets of {depth} hidden layers, 1 segment",
    "depth": "deeper nets of {width} units a layer, 1 segment",
}


def write_figure(path: Path, results: Sequence[Result]) -> None:
    """Write a PNG of the results of the growth cases; others are passed over."""
    growth_figure(results).savefig(path, format="png")


def growth_figure(results: Sequence[Result]) -> Figure:
    """Plot the median seconds (solid) and those of the flop floor (dotted), a line a series."""
    series = [(along, _along(along, results)) for along in _LABELS]
    with rc_context(STYLE):
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        by_crossings, by_depth = figure.subplots(1, 2)
        looks = zip(series, (BLUE, ORANGE, GREEN), MARKERS, strict=False)
        for (along, mine), colour, marker in looks:
            if mine:
                label = _LABELS[along].format(**mine[0].case.sizes)
                _lines(by_crossings, "crossings", mine, label, colour, marker)
            if mine and along == "depth":
                _lines(by_depth, "depth", mine, label, colour, marker)
                depths = [int(result.case.sizes["depth"]) for result in mine]
                by_depth.set_xticks(depths, [str(depth) for depth in depths])
                by_depth.xaxis.set_minor_locator(NullLocator())
        by_crossings.set(xlabel="crossings", ylabel="time (s)", title="Time by crossings")
        by_depth.set(xlabel="depth (hidden layers)", ylabel="time (s)", title="Time by depth")
        if by_crossings.lines:
            by_crossings.legend()
        note = "dotted: the plain sweep's flops at the measured float64 matrix rate"
        figure.supxlabel(note, x=0.99, ha="right", fontsize=9)
    return figure


def _along(along: str, results: Sequence[Result]) -> list[Result]:
    """Return a series by what it varies: crossings need not grow with depth."""
    mine = [
        result
        for result in results
        if result.case.group == GROUP and result.case.sizes["along"] == along
    ]
    return sorted(mine, key=lambda result: int(result.case.sizes[along]))


def _lines(
    ax: Axes, size: str, results: Sequence[Result], label: str, colour: str, marker: str
) -> None:
    at = [int(result.case.sizes[size]) for result in results]
    ours = [result.ours.median for result in results]
    floors = [result.floor.seconds.median for result in results if result.floor]
    ax.loglog(at, ours, color=colour, marker=marker, label=label)
    ax.loglog(at, floors, color=colour, linestyle=":")

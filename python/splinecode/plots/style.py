"""Colours, sizes and the parts that figures share.

Colours are Okabe and Ito's, which colour-blind readers tell apart; markers and line styles repeat
what colour says. Nothing here touches pyplot: no window, no global state, any thread.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Panels: TypeAlias = "np.ndarray[Any, np.dtype[np.object_]]"
"""An array of Axes, the panels of one figure."""

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK, GREY, LIGHT, PALE = "#222222", "#8A8A8A", "#C8C8C8", "#E4E4E4"
FINENESS = ("#BBD7EA", "#7FB3D9", "#3C86BF", "#0B4A7F", "#062B4D")
MARKERS = ("o", "s", "^", "D", "v")

_TITLE_PAD, _LEGEND_ROW = 10, 18
"""In points."""

STYLE: Any = {
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": _TITLE_PAD,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 2,
}

CYCLE = (BLUE, ORANGE, GREEN, PINK, "#56B4E9", "#E69F00", INK)
LINES = ("-", "--", "-.", ":")


def layer_looks(count: int) -> list[dict[str, Any]]:
    """Return colour, line style and marker of so many lines, no two of the first 28 alike."""
    return [
        {
            "color": CYCLE[i % len(CYCLE)],
            "linestyle": LINES[i % len(LINES)],
            "marker": MARKERS[i % len(MARKERS)],
        }
        for i in range(count)
    ]


def figure_of(width: float, height: float, title: str = "") -> Figure:
    """Return an empty figure, inches wide and high."""
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    return figure


def axes_of(ax: Axes | None, width: float = 6.5, height: float = 4.2, title: str = "") -> Axes:
    """Return the axes to draw into: those given, or those of a new figure; in ``rc_context``."""
    if ax is None:
        ax = figure_of(width, height).subplots()
    if title:
        ax.set_title(title)
    return ax


def panels_of(
    columns: int, width: float, height: float, title: str = "", **keywords: Any
) -> Panels:
    """Return an array of axes (columns,) side by side in a new figure; in ``rc_context``."""
    figure = figure_of(width, height, title)
    axes: Panels = figure.subplots(1, columns, squeeze=False, **keywords)[0]
    return axes


def first_or_all(
    ax: Axes | None, columns: int, width: float, height: float, title: str = "", **keywords: Any
) -> Panels:
    """Return the axes given, for the first panel alone, or those of `panels_of`."""
    if ax is None:
        return panels_of(columns, width, height, title, **keywords)
    return np.array([axes_of(ax, title=title)])


def caption(figure: Any, text: str) -> None:
    """Write a line below a figure, unless it has one: axes of one figure may share it."""
    if figure.get_supxlabel() == "":
        figure.supxlabel(text, x=0.99, ha="right", fontsize=9, color=GREY)


def literal(name: object) -> str:
    """Return a name as text that is drawn as it is: no mathtext, and never left out of legends."""
    text = str(name).replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


def name_places(ax: Axes, names: Sequence[str]) -> None:
    """Put names instead of numbers on the x axis."""
    ax.set_xticks(range(len(names)), [literal(name) for name in names])
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.tick_params(axis="x", length=0)


def legend_above(ax: Axes, columns: int = 1) -> None:
    """Put the legend in rows above the axes, and their title above it; in ``rc_context``."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=columns)
    title = ax.get_title(loc="left")
    if title:
        rows = -(-len(ax.get_legend_handles_labels()[1]) // columns)
        ax.set_title(title, pad=_TITLE_PAD + _LEGEND_ROW * rows)


def need_some(values: Sized, name: str) -> None:
    """Raise ValueError if there is nothing to draw."""
    if len(values) == 0:
        raise ValueError(f"{name} is empty; wanted at least one")


def name_of_path(path: int, count: int) -> str:
    """Return "path 1 of 24"; raises IndexError for a number that no path has."""
    if not -count <= path < count:
        raise IndexError(f"path {path} of {count}")
    return f"path {path % count + 1} of {count}"

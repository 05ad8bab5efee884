"""Ways of grouping inputs side by side: purity beside chance, information, stability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PINK,
    STYLE,
    Panels,
    caption,
    first_or_all,
    legend_above,
)

if TYPE_CHECKING:
    from ..lens import Grouping, Monosemanticity

Values = np.ndarray[Any, Any]

_SPREAD = 0.32
"""Half the height over which the groups of a grouping are spread."""


class _Score(NamedTuple):
    """A score of every grouping, and its look."""

    values: list[float]
    colour: str
    marker: str
    size: int


def monosemanticity(result: Monosemanticity, *, ax: Axes | None = None, title: str = "") -> Panels:
    """Draw the groupings of `lens.monosemanticity`, one a row.

    The first panel shows the purity of every group, a dot whose area is its size, with the
    weighted mean and chance; the others scores and noise of the whole grouping. Without labels the
    first shows stability, and without stability the groups' shares of the inputs.

    Parameters
    ----------
    result : Monosemanticity
    ax : Axes, optional
        For the first panel alone.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (3,); (2,), without that of scores, if there are neither labels nor
        stability; (1,) with `ax`

    """
    rows, scores = len(result.groupings), _scores(result)
    with rc_context(STYLE):
        widths = [2.2, 1, 1] if scores else [2.2, 1]
        axes = first_or_all(
            ax,
            len(widths),
            2.9 * sum(widths),
            1.9 + 0.52 * rows,
            title,
            sharey=True,
            width_ratios=widths,
        )
        _groups(axes[0], result)
        axes[0].set_yticks(range(rows), [_label(grouping) for grouping in result.groupings])
        axes[0].set_ylim(rows - 0.45, -0.55)
        axes[0].tick_params(axis="y", length=0)
        if ax is None:
            if scores:
                _whole(axes[1], scores)
            _noise(axes[-1], result)
            caption(axes[0].figure, "a dot is a group, its area the number of its inputs")
    return axes


def _label(grouping: Grouping) -> str:
    number = len(grouping.groups)
    return f"{grouping.name}\n{number:,} group{'' if number == 1 else 's'}"


def _groups(ax: Axes, result: Monosemanticity) -> None:
    name, of_each = _of_groups(result)
    for row, (grouping, values) in enumerate(zip(result.groupings, of_each, strict=True)):
        agreement = grouping.agreement
        order = np.argsort(-grouping.sizes, kind="stable")
        shift = (np.arange(len(order)) * 0.618) % 1 * 2 - 1  # spreads any number evenly
        area = np.clip(1500 * grouping.sizes[order] / len(grouping.labels), 8, 500)
        ax.scatter(
            values[order],
            row + _SPREAD * shift,
            area,
            color=BLUE,
            alpha=0.55,
            edgecolor="white",
            linewidth=0.5,
            label="group" if row == 0 else None,
        )
        if agreement is not None:
            marks = (
                ("mean over inputs", agreement.purity.value, INK),
                ("chance: labels shuffled", agreement.purity.chance, ORANGE),
            )
            for words, value, colour in marks:
                label = words if row == 0 else None
                ax.plot([value] * 2, [row - 0.4, row + 0.4], color=colour, label=label)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(-0.02, 1.02), xlabel=name)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    legend_above(ax, 3)


def _of_groups(result: Monosemanticity) -> tuple[str, list[Values]]:
    """Return what the first panel shows of every group, and its name."""
    groupings = result.groupings
    if result.labels is not None:
        return "purity of groups", [
            g.agreement.purities for g in groupings if g.agreement is not None
        ]
    if _is_stable(result):
        return "stability of groups", [g.stability for g in groupings]
    return "share of the inputs", [g.sizes / max(len(g.labels), 1) for g in groupings]


def _is_stable(result: Monosemanticity) -> bool:
    return any(np.isfinite(grouping.stability).any() for grouping in result.groupings)


def _scores(result: Monosemanticity) -> dict[str, _Score]:
    """Return stability where there is some, and mutual information where there are labels."""
    scores = {}
    if _is_stable(result):
        values = [_mean(grouping.stability) for grouping in result.groupings]
        scores["stability"] = _Score(values, GREEN, "s", 6)
    if result.labels is not None:
        found = [g.agreement for g in result.groupings if g.agreement is not None]
        scores["AMI, noise a group"] = _Score([a.ami_all for a in found], PINK, "D", 7)
        scores["AMI"] = _Score([a.ami for a in found], BLUE, "o", 4)
    return scores


def _whole(ax: Axes, scores: dict[str, _Score]) -> None:
    for name, (values, colour, marker, size) in scores.items():
        look: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "markersize": size,
            "linestyle": "none",
        }
        ax.plot(values, range(len(values)), label=name, **look)
    low = float(np.nanmin([0.0, *(value for values, *_ in scores.values() for value in values)]))
    ax.set(xlim=(low - 0.03, 1.03), xticks=[0, 0.5, 1], xlabel="score, at best 1")
    _plain(ax)


def _noise(ax: Axes, result: Monosemanticity) -> None:
    noise = [grouping.noise for grouping in result.groupings]
    ax.barh(range(len(noise)), noise, 0.5, color=GREY, label="in no group")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="inputs that are noise")
    _plain(ax)


def _plain(ax: Axes) -> None:
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    legend_above(ax)


def _mean(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")

"""Local complexity by layer, or over checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .style import (
    BLUE,
    INK,
    STYLE,
    axes_of,
    caption,
    layer_looks,
    legend_above,
    literal,
    name_places,
)

if TYPE_CHECKING:
    from ..lens import LocalComplexity


def local_complexity(
    result: LocalComplexity,
    *,
    steps: Sequence[float] | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw the mean local complexity with its 95 % interval over inputs.

    With one checkpoint by layer, where thin bars are the middle 90 % of the inputs; with several
    over checkpoints, for each layer and for all together.

    Parameters
    ----------
    result : LocalComplexity
    steps : numbers, one a checkpoint, optional
        Where the checkpoints stand: training steps, drawn on a logarithmic axis if they are
        positive and span more than two decades. By default they are evenly spaced by name.
    ax : Axes, optional
    title : title of the axes

    Returns
    -------
    ax : Axes

    Raises
    ------
    ValueError : another number of steps, or steps that do not rise.

    """
    checkpoints = len(result.checkpoints)
    if steps is not None and (len(steps) != checkpoints or (np.diff(steps) <= 0).any()):
        raise ValueError(f"steps holds {len(steps)} numbers; wanted {checkpoints}, rising")
    with rc_context(STYLE):
        ax = axes_of(ax, title=title)
        if checkpoints == 1:
            _draw_layers(ax, result)
        else:
            _draw_checkpoints(ax, result, steps)
        ax.set_ylabel(f"units that change sign\nwithin {result.radius:g} of an input")
        ax.set_ylim(bottom=0)
    return ax


def _draw_layers(ax: Axes, result: LocalComplexity) -> None:
    counts = result.counts[0].astype(float)
    x = np.arange(counts.shape[1])
    mean, half = _mean_and_half(counts)
    ax.vlines(x, *np.quantile(counts, [0.05, 0.95], axis=0), color=BLUE, linewidth=1)
    ax.errorbar(x, mean, half, fmt="o", color=BLUE, capsize=4, markersize=7, zorder=3)
    name_places(ax, [f"{layer.name}\n{layer.bits:,} units" for layer in result.layers])
    caption(ax.figure, "dot: mean with 95 % interval; line: middle 90 % of inputs")


def _draw_checkpoints(ax: Axes, result: LocalComplexity, steps: Sequence[float] | None) -> None:
    x = np.arange(len(result.checkpoints)) if steps is None else np.asarray(steps, float)
    lines = [(layer.name, result.counts[..., i]) for i, layer in enumerate(result.layers)]
    looks = layer_looks(len(lines))
    if len(lines) > 1:
        lines.append(("all layers", result.total))
        looks.append({"color": INK, "linestyle": "-", "marker": "D"})
    for (name, counts), look in zip(lines, looks, strict=True):
        mean, half = _mean_and_half(counts.T.astype(float))
        ax.plot(x, mean, label=literal(name), markersize=5, **look)
        ax.fill_between(x, mean - half, mean + half, color=look["color"], alpha=0.2, linewidth=0)
    legend_above(ax, 4)
    if steps is None:
        name_places(ax, result.checkpoints)
        ax.set_xlabel("checkpoint")
        return
    ax.set_xlabel("training step")
    if x[0] > 0 and x[-1] > 100 * x[0]:
        ax.set_xscale("log")


def _mean_and_half(counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return means over inputs (inputs, k), and the half-widths of their 95 % intervals."""
    if len(counts) < 2:
        return counts.mean(axis=0), np.zeros(counts.shape[1])
    return counts.mean(axis=0), 1.96 * counts.std(axis=0, ddof=1) / np.sqrt(len(counts))

"""Scores of inputs inside and outside a distribution, and what a threshold makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .style import BLUE, GREY, INK, ORANGE, STYLE, Panels, first_or_all, legend_above

if TYPE_CHECKING:
    from ..lens import Ood

_BINS = 40


def ood(result: Ood, *, ax: Axes | None = None, title: str = "") -> Panels:
    """Draw the scores of inner and outer inputs with the threshold, and the ROC curve.

    Parameters
    ----------
    result : Ood
    ax : Axes, optional
        For the scores alone.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (1,) or (2,)

    """
    with rc_context(STYLE):
        axes = first_or_all(ax, 2, 10.5, 4.3, title, width_ratios=[1.6, 1])
        _scores(axes[0], result)
        if len(axes) > 1:
            _roc(axes[1], result)
    return axes


def _scores(ax: Axes, result: Ood) -> None:
    together = np.concatenate([result.inside, result.outside])
    low, high = int(together.min()), int(together.max())
    width = max(1, -(-(high - low + 1) // _BINS))  # whole units: no bin holds more of them
    edges = np.arange(low, high + width + 1, width) - 0.5
    looks = (("inside", result.inside, BLUE, "-"), ("outside", result.outside, ORANGE, "--"))
    for name, scores, colour, line in looks:
        weights = np.full(len(scores), 1 / len(scores))
        shown: dict[str, Any] = {"bins": edges, "weights": weights, "color": colour}
        ax.hist(scores, **shown, alpha=0.25)
        label = f"{name} ({len(scores):,})"
        ax.hist(scores, **shown, histtype="step", linewidth=1.8, linestyle=line, label=label)
    threshold = result.detector.threshold
    label = f"threshold {threshold:,}: accepts {result.accepted_outside:.1%} outside"
    ax.axvline(threshold + 0.5, color=INK, linestyle=":", label=label)
    ax.set(xlabel="least Hamming distance to known codes (units)", ylabel="share of the inputs")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(ax)


def _roc(ax: Axes, result: Ood) -> None:
    """Draw outer inputs that are told against inner ones that are taken for them."""
    cuts = np.unique(np.concatenate([result.inside, result.outside]))
    told, false = (
        np.append(1, [(scores > cut).mean() for cut in cuts])
        for scores in (result.outside, result.inside)
    )
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    ax.plot(false, told, color=BLUE, label=f"AUROC {result.auroc:.3f}")
    ax.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    ax.set(xlabel="inside taken for outside", ylabel="outside told")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(visible=True, axis="both")
    ax.legend(loc="lower right")

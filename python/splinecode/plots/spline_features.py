"""Spline features through the layers of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import PercentFormatter

from ..arrays import Array
from .style import STYLE, Panels, figure_of, layer_looks, literal, need_some

if TYPE_CHECKING:
    from ..lens import SplineFeatures


def spline_features(
    result: SplineFeatures, *, labels: Array | None = None, title: str = ""
) -> Panels:
    """Draw each feature over the layers: the median over inputs, and the middle half of them.

    Parameters
    ----------
    result : SplineFeatures
    labels : array-like (inputs,), optional
        A line a class, of at most seven classes.
    title : title of the figure

    Returns
    -------
    axes : array of Axes (7,), one a feature; save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    ValueError : another number of labels, more than seven classes, or no inputs.

    """
    from ..lens.neighbourhoods.features import FEATURES  # noqa: PLC0415 - needs torch, this package does not

    need_some(result.features, "features")
    groups = _groups(len(result.features), labels)
    layers = np.arange(len(result.layers))
    with rc_context(STYLE):
        figure = figure_of(12.5, 5.8, title)
        grid = figure.subplots(2, 4, sharex=True)
        axes: Panels = grid.ravel()[:7]
        for i, (ax, name) in enumerate(zip(axes, FEATURES, strict=True)):
            for (group, rows), look in zip(groups.items(), layer_looks(len(groups)), strict=True):
                low, middle, high = _quartiles(result.features[rows, :, i])
                ax.fill_between(layers, low, high, color=look["color"], alpha=0.2, linewidth=0)
                ax.plot(layers, middle, label=group, markersize=4, **look)
            ax.set_title(name)
            if "share" in name:
                ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            ax.set_xticks(layers if len(layers) <= 8 else layers[:: -(-len(layers) // 8)])
        grid[0, 0].set_ylabel("units of the layer")
        grid[1, 0].set_ylabel("L2 distance in the layer's input")
        legend = grid[1, 3]
        legend.axis("off")
        legend.legend(*axes[0].get_legend_handles_labels(), loc="center left", frameon=False)
        for ax in (*grid[1, :3], grid[0, 3]):
            ax.set_xlabel("layer (number)")
            ax.tick_params(labelbottom=True)
    return axes


def _groups(inputs: int, labels: Array | None) -> dict[str, Any]:
    if labels is None:
        return {"all inputs": np.arange(inputs)}
    given = np.asarray(labels)
    if given.shape != (inputs,):
        raise ValueError(f"labels has shape {given.shape}; wanted ({inputs},), one an input")
    classes = np.unique(given)
    if len(classes) > 7:
        raise ValueError(f"labels has {len(classes)} classes; wanted at most 7 to tell apart")
    return {literal(f"class {value}"): np.flatnonzero(given == value) for value in classes}


def _quartiles(values: Any) -> Any:
    """Return quartiles (3, layers) over inputs; NaN where every input has none."""
    found = np.full((3, values.shape[1]), np.nan)
    for i, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known):
            found[:, i] = np.quantile(known, [0.25, 0.5, 0.75])
    return found

"""The boundary density of same-class and different-class pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ..arrays import Array, as_numpy
from .style import BLUE, ORANGE, STYLE, Panels, caption, literal, name_places, need_some, panels_of


def density_by_layer(
    counts: Mapping[str, tuple[Array, Array]], layers: Sequence[str], *, title: str = ""
) -> Panels:
    """Compare the boundary density of same-class and different-class pairs, a panel a layer.

    A dot is the mean, a thick bar the middle half of the pairs, a thin line the middle 90 %. Each
    layer has its own scale from 0: layers differ in size.

    Parameters
    ----------
    counts : mapping of the count's name ("endpoint", "exact") to (same, different)
        Each float64 (pairs, layers) from `lens.endpoint_density` or `lens.exact_density`; rows with
        a NaN (points at distance 0) are left out.
    layers : names of the layers
    title : title of the figure

    Returns
    -------
    axes : array of Axes, a panel each; save with ``axes[0].figure.savefig(path)``

    Raises
    ------
    ValueError : no count or layer, or a density that is not (pairs, layers) with at least one
        finite row.

    """
    need_some(counts, "counts")
    need_some(layers, "layers")
    groups = [
        [_finite_rows(pair[k], len(layers), f"{name}, {kind}") for name, pair in counts.items()]
        for k, kind in enumerate(("same class", "different classes"))
    ]
    with rc_context(STYLE):
        axes = panels_of(len(layers), max(6.5, 1.2 + 2.1 * len(layers)), 4.2, title)
        figure = axes[0].figure
        for i, (ax, layer) in enumerate(zip(axes, layers, strict=True)):
            _density_panel(ax, [[rows[:, i] for rows in group] for group in groups])
            ax.set_title(literal(layer))
            name_places(ax, list(counts))
        axes[0].set_ylabel("boundaries crossed\nper unit of L2 distance")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        caption(figure, "dot: mean; bar: middle 50 % of the pairs; line: middle 90 %")
    return axes


def _density_panel(ax: Axes, groups: list[list[np.ndarray[Any, Any]]]) -> None:
    looks = (("same class", BLUE, "o", -0.15), ("different classes", ORANGE, "s", 0.15))
    for columns, (label, colour, marker, shift) in zip(groups, looks, strict=True):
        x = np.arange(len(columns)) + shift
        spread = [np.quantile(values, [0.05, 0.25, 0.75, 0.95]) for values in columns]
        low, q1, q3, high = np.transpose(spread)
        ax.vlines(x, low, high, color=colour, linewidth=1.2)
        ax.vlines(x, q1, q3, color=colour, linewidth=8, alpha=0.35)
        means = [values.mean() for values in columns]
        ax.plot(x, means, marker, color=colour, label=label, markersize=7, markeredgecolor="white")
    ax.set_ylim(bottom=0)


def _finite_rows(values: Array, layers: int, name: str) -> np.ndarray[Any, Any]:
    rows: np.ndarray[Any, Any] = as_numpy(values, name)
    if rows.ndim != 2 or rows.shape[1] != layers:
        raise ValueError(f"densities ({name}) have shape {rows.shape}; wanted (pairs, {layers})")
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) == 0:
        raise ValueError(
            f"densities ({name}) have no row without NaN; wanted at least one pair of "
            "points at a distance"
        )
    return rows

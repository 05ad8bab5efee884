"""Figures for slides and papers: functions of arrays that return a matplotlib Figure.

Nothing here touches pyplot: no window, no global state, any thread. Save with
``figure.savefig(path)``. Colours are Okabe and Ito's, which colour-blind readers tell apart;
markers and line styles repeat what colour says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from .arrays import Array, as_numpy

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK, GREY, LIGHT, PALE = "#222222", "#8A8A8A", "#C8C8C8", "#E4E4E4"
FINENESS = ("#BBD7EA", "#7FB3D9", "#3C86BF", "#0B4A7F", "#062B4D")
MARKERS = ("o", "s", "^", "D", "v")

STYLE: Any = {
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
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


def density_by_layer(
    counts: Mapping[str, tuple[Array, Array]], layers: Sequence[str], *, title: str = ""
) -> Figure:
    """Compare the boundary density of same-class and different-class pairs, a panel a layer.

    A dot is the mean, a thick bar the middle half of the pairs, a thin line the middle 90 %. Each
    layer has its own scale from 0: layers differ in size.

    Parameters
    ----------
    counts : mapping of the count's name ("endpoint", "exact") to (same, different)
        Each float64 (pairs, layers) from `lens.boundary_density` or `lens.exact_density`; rows with
        a NaN (points at distance 0) are left out.
    layers : names of the layers
    title : title of the figure

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError : no count or layer, or a density that is not (pairs, layers) with at least one
        finite row.

    """
    _need_some(counts, "counts")
    _need_some(layers, "layers")
    groups = [
        [_finite_rows(pair[k], len(layers), f"{name}, {kind}") for name, pair in counts.items()]
        for k, kind in enumerate(("same class", "different classes"))
    ]
    with rc_context(STYLE):
        figure = _figure(max(6.5, 1.2 + 2.1 * len(layers)), 4.2, title)
        axes = figure.subplots(1, len(layers), squeeze=False)[0]
        for i, (ax, layer) in enumerate(zip(axes, layers, strict=True)):
            _density_panel(ax, [[rows[:, i] for rows in group] for group in groups])
            ax.set_title(layer)
            _name_places(ax, list(counts))
        axes[0].set_ylabel("boundaries crossed\nper unit of L2 distance")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        _caption(figure, "dot: mean; bar: middle 50 % of the pairs; line: middle 90 %")
    return figure


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


def counts_by_method(
    counts: Mapping[str, Array], layers: Sequence[str], *, title: str = ""
) -> Figure:
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
    figure : Figure

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
        figure = _figure(11, 4.6, title)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
        _draw_missed_by_segment(left, {name: rest.sum(axis=1) for name, rest in missed.items()})
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {n: rest.sum(axis=0) / exact.sum(axis=0) for n, rest in missed.items()}
        _draw_missed_by_layer(right, shares, layers)
        left.set_title(f"each segment (0: {exact_name})")
        right.set_title(f"each layer (0: {exact_name})")
    return figure


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
    _name_places(ax, [f"{name}\nmean {values.mean():,.3g}" for name, values in missed.items()])


def _draw_missed_by_layer(
    ax: Axes, shares: dict[str, np.ndarray[Any, Any]], layers: Sequence[str]
) -> None:
    looks = zip(FINENESS[-len(shares) :], MARKERS, strict=False)
    for (name, values), (colour, marker) in zip(shares.items(), looks, strict=True):
        ax.plot(values, marker + "-", color=colour, label=name, markersize=7, clip_on=False)
    ax.set_ylabel("share of crossings missed")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="upper left")
    _name_places(ax, layers)


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


def label_agreement(
    panels: Mapping[str, Mapping[str, Array]], *, chance: float | None = None, title: str = ""
) -> Figure:
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
    figure : Figure

    Raises
    ------
    ValueError : no panel, or more than five metrics.

    """
    _need_some(panels, "panels")
    looks = [
        {"color": colour, "linestyle": line, "marker": marker}
        for colour, line, marker in zip(
            (BLUE, ORANGE, GREEN, PINK, INK), ("-", "--", "-.", ":", "-"), MARKERS, strict=True
        )
    ]
    with rc_context(STYLE):
        figure = _figure(max(6.5, 1.2 + 2.9 * len(panels)), 4.2, title)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (name, curves) in zip(axes, panels.items(), strict=True):
            if len(curves) > len(looks):
                raise ValueError(
                    f"panel {name!r} has {len(curves)} metrics; wanted at most {len(looks)}"
                )
            for (metric, shares), look in zip(curves.items(), looks, strict=False):
                values = as_numpy(shares, metric)
                ranks = 1 + np.arange(len(values))
                ax.plot(ranks, values, label=metric, markersize=5, markevery=0.15, **look)
            ax.set(title=name, xlabel="rank of the neighbour", xlim=(0, None))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[0].set_ylabel("neighbours with the query's label")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=5)
        if chance is not None:
            _caption(figure, f"random neighbours: {chance:.1%}")
    return figure


def segment_crossings(
    t: Array,
    layer: Array,
    direction: Array,
    layers: Sequence[str],
    *,
    knots: Array,
    values: Array,
    ends: tuple[Array, Array] | None = None,
    end_classes: tuple[int, int] | None = None,
    title: str = "",
) -> Figure:
    """Draw one segment: the network's outputs along it, and every crossing, layer by layer.

    Parameters
    ----------
    t, layer, direction : arrays (crossings,)
        As in `Crossings`, for one segment: tick up where a unit turns on, down where off.
    layers : names of the layers, the first at the top
    knots, values : float (k,) and (k, outputs)
        The network restricted to the segment: linear between knots.
    ends : two images (rows, columns), optional
        Shown beside t = 0 and t = 1.
    end_classes : two outputs, optional
        Drawn in colour, the others in grey.
    title : title of the figure

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError : t, layer and direction, or knots and values, do not belong together.

    """
    t, layer, direction = (
        as_numpy(t, "t"),
        as_numpy(layer, "layer"),
        as_numpy(direction, "direction"),
    )
    knots, values = as_numpy(knots, "knots"), as_numpy(values, "values")
    if not t.shape == layer.shape == direction.shape or t.ndim != 1:
        raise ValueError(
            f"t, layer and direction have shapes {t.shape}, {layer.shape} and "
            f"{direction.shape}; wanted one number a crossing in each"
        )
    if knots.ndim != 1 or values.ndim != 2 or len(knots) != len(values):
        raise ValueError(
            f"knots and values have shapes {knots.shape} and {values.shape}; wanted "
            "(k,) and (k, outputs)"
        )
    with rc_context(STYLE):
        height = 0.6 * len(layers)
        figure = _figure(11.5, 3.8 + height, title)
        grid = figure.add_gridspec(
            2, 3, width_ratios=[1.15, 6, 1.15], height_ratios=[2.1, max(height, 1)]
        )
        outputs = figure.add_subplot(grid[0, 1])
        raster = figure.add_subplot(grid[1, 1], sharex=outputs)
        _draw_outputs(outputs, knots, values, end_classes)
        _draw_raster(raster, t, layer, direction, layers)
        for end, image in enumerate(ends or ()):
            cell = figure.add_subplot(grid[0, 2 * end])
            _draw_end(cell, as_numpy(image, "ends"), end, end_classes)
    return figure


def _draw_outputs(ax: Axes, knots: Array, values: Array, classes: tuple[int, int] | None) -> None:
    ax.plot(knots, values, color=LIGHT, linewidth=1)
    for output, colour, line in zip(classes or (), (BLUE, ORANGE), ("-", "--"), strict=False):
        ax.plot(knots, values[:, output], line, color=colour, label=f"class {output}")
    if classes:
        ax.plot([], [], color=LIGHT, linewidth=1, label="the others")
        _legend_above(ax, 3)
    ax.set_ylabel("output (logit)")
    ax.tick_params(labelbottom=False)


def _draw_raster(ax: Axes, t: Array, layer: Array, direction: Array, layers: Sequence[str]) -> None:
    rows = len(layers) - 1 - layer
    for sign, colour, label in ((1, GREEN, "unit turns on (up)"), (-1, PINK, "turns off (down)")):
        mine = direction == sign
        ax.vlines(
            t[mine],
            rows[mine] + 0.03 * sign,
            rows[mine] + 0.38 * sign,
            color=colour,
            linewidth=1,
            label=label,
        )
    counts = np.bincount(layer, minlength=len(layers))
    for row, count in zip(range(len(layers) - 1, -1, -1), counts, strict=True):
        ax.text(
            1.015,
            row,
            f"{count:,} crossing" + ("" if count == 1 else "s"),
            va="center",
            fontsize=10,
            transform=ax.get_yaxis_transform(),
        )
    ax.set(
        xlim=(0, 1),
        ylim=(-0.6, len(layers) - 0.4),
        yticks=range(len(layers)),
        yticklabels=list(layers)[::-1],
        xlabel=f"position t on the segment ({len(t):,} crossings in all)",
    )
    ax.grid(visible=False)
    _legend_above(ax, 2)


def _legend_above(ax: Axes, columns: int) -> None:
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=columns)


def _draw_end(ax: Axes, image: Array, end: int, classes: tuple[int, int] | None) -> None:
    ax.imshow(image, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.set_title(f"t = {end}" + (f": class {classes[end]}" if classes else ""), loc="center")
    for spine in ax.spines.values():
        spine.set(visible=True, color=(BLUE, ORANGE)[end], linewidth=1.5)


def _figure(width: float, height: float, title: str) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    return figure


def _caption(figure: Figure, text: str) -> None:
    figure.supxlabel(text, x=0.99, ha="right", fontsize=9, color=GREY)


def _name_places(ax: Axes, names: Sequence[str]) -> None:
    ax.set_xticks(range(len(names)), list(names))
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.tick_params(axis="x", length=0)


def _need_some(values: Sized, name: str) -> None:
    if len(values) == 0:
        raise ValueError(f"{name} is empty; wanted at least one")

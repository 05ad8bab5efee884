"""What `scaling` and `directions` return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...analysis import Analysis
from ...tables import Table, percent
from ..density.pair_counts import Counts
from ..density.pairs import Indices
from ..statistics.bootstrap import Interval, mean_interval
from ..statistics.effects import Values

_TABLE_RANGES = 8
"""Rows of the table of densities."""


class ClassChanges(NamedTuple):
    """Where the largest output changes: (changes,) each, in the order of input and place.

    input : int64; at : float64, the parameter; before, after : int64, the classes
    """

    input: Indices
    at: Values
    before: Indices
    after: Indices


@dataclass(frozen=True, eq=False, repr=False)
class LineDensity(Analysis):
    """Exact crossings along one straight line an input. Drawn by `plots.line_density`.

    Attributes
    ----------
    parameter : "alpha", points are alpha x; or "beta", points are x + beta d
    layers : names of the layers; bits : int64 (layers,)
    edges : float64 (bins + 1,), of the bins, in units of the parameter
    counts : int64 (n, bins, layers), crossings in each bin
    length : float64 (n,), L2 length of a step of 1 of the parameter: ||x||, or ||d||
    shell : float64 (n, 2), where boundaries are densest
        The shortest interval of the parameter that holds half of the input's crossings, of all
        layers: no bins are involved. NaN without crossings.
    outputs : float64 (n, bins + 1, *output_shape), at the edges; None if not asked for
    classes : int64 (n, bins + 1), the largest output at the edges; None unless outputs are a row
        of at least two
    predicted : int64 (n,), the class of the input itself; None where it is not on the line
    changes : ClassChanges, every decision boundary on the lines; None as for `classes`
    work : mapping

    """

    parameter: str
    layers: tuple[str, ...]
    bits: Indices
    edges: Values
    counts: Counts
    length: Values
    shell: Values
    outputs: Values | None
    classes: Indices | None
    predicted: Indices | None
    changes: ClassChanges | None
    work: Mapping[str, int]

    @property
    def density(self) -> Values:
        """Crossings per unit of L2 length: float64 (n, bins, layers), NaN for an input of norm 0.

        Made when asked for.
        """
        lengths = np.diff(self.edges) * self.length[:, None]
        with np.errstate(invalid="ignore"):
            return np.asarray(self.counts / np.where(lengths > 0, lengths, np.nan)[:, :, None])

    def mean_density(
        self, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
    ) -> Interval:
        """Return the mean over inputs in each bin, all layers together, with bootstrap intervals.

        Inputs are resampled; those of norm 0 are left out.
        """
        lengths = np.diff(self.edges) * self.length[:, None]
        some = self.length > 0
        total = self.counts[some].sum(axis=2) / lengths[some]
        return mean_interval(total, confidence=confidence, resamples=resamples, seed=seed)

    def layer_density(self) -> Values:
        """Return the mean density over inputs by bin and layer: float64 (bins, layers)."""
        some = self.length > 0
        if not some.any():
            return np.full(self.counts.shape[1:], np.nan)
        weight = 1 / (some.sum() * self.length[some])
        total = np.tensordot(weight, self.counts[some], axes=1)
        return np.asarray(total / np.diff(self.edges)[:, None])

    def mean_shell(self) -> tuple[float, float]:
        """Return the fewest neighbouring bins that hold half of the mean density: from, to.

        The lowest of several; NaN without crossings.
        """
        begin, end = _fewest_bins(self.layer_density().sum(axis=1))
        return (float(self.edges[begin]), float(self.edges[end])) if end else (np.nan, np.nan)

    def kept(self) -> Values | None:
        """Return the share of inputs that are still of their own class at each edge, or None."""
        if self.classes is None or self.predicted is None:
            return None
        return np.asarray((self.classes == self.predicted[:, None]).mean(axis=0))

    def tables(self) -> Sequence[Table]:
        """Return density and class along the lines, and where each layer is densest."""
        return [self._density_table(), self._layer_table()]

    def _density_table(self) -> Table:
        bins = len(self.edges) - 1
        mean, kept = self.layer_density().sum(axis=1), self.kept()
        rows: list[tuple[object, ...]] = []
        for some in np.array_split(np.arange(bins), min(_TABLE_RANGES, bins)):
            begin, end = some[0], some[-1] + 1
            row = (_interval(self.edges[begin], self.edges[end]), f"{mean[begin:end].mean():.4g}")
            rows.append(row if kept is None else (*row, percent(kept[begin : end + 1].mean())))
        low, high = self.mean_shell()
        title = (
            f"crossings per unit of L2 length along {self.parameter}; half of them in the shell "
            f"{_interval(low, high)}"
        )
        header = [self.parameter, "mean density", "own class kept"]
        return Table(title, header[: len(rows[0])], rows)

    def _layer_table(self) -> Table:
        by_layer, density = self.counts.sum(axis=1), self.layer_density()
        rows = []
        for i, name in enumerate(self.layers):
            begin, end = _fewest_bins(density[:, i])
            shell = _interval(self.edges[begin], self.edges[end]) if end else "-"
            rows.append((name, f"{by_layer[:, i].mean():,.4g}", shell))
        whole = by_layer.sum(axis=1)
        median = "-"
        if np.isfinite(self.shell).any():
            median = _interval(*np.nanmedian(self.shell, axis=0))
        rows.append(("all layers, median input", f"{whole.mean():,.4g}", median))
        return Table(
            "crossings of an input, and the shortest range that holds half of them",
            ("layer", "crossings", self.parameter),
            rows,
        )


def _interval(low: Any, high: Any) -> str:
    return f"{low:.3g} to {high:.3g}"


def _fewest_bins(density: Values) -> tuple[int, int]:
    """Return the shortest run of bins that holds half of the density: first, end; 0, 0 for none."""
    total = np.concatenate([[0.0], np.cumsum(density)])
    if not total[-1] > 0:
        return 0, 0
    # Half, but for what summing up may have rounded off.
    goal = total[:-1] + total[-1] * (0.5 - 1e-12)
    ends = np.searchsorted(total, goal)
    ends = np.where(ends < len(total), ends, 2 * len(total))
    begin = int(np.argmin(ends - np.arange(len(ends))))
    return begin, int(ends[begin])

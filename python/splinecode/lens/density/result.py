"""What `boundary_density` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...analysis import Analysis
from ...tables import Table, percent
from ..statistics.bootstrap import GroupComparison, Interval
from ..statistics.effects import Values, cohens_d, mean
from .pair_counts import Counts
from .pairs import Indices

Kinds = np.ndarray[Any, np.dtype[np.int8]]

ALL_LAYERS = "all layers"


@dataclass(frozen=True, eq=False, repr=False)
class BoundaryDensity(Analysis):
    """Polytope boundaries between pairs of inputs, per unit of distance; a column a layer.

    Drawn by `plots.boundary_density`; `by_kind` is what `plots.density_by_layer` takes.

    Attributes
    ----------
    layers : names of the layers; bits : int64 (layers,)
    pairs : int64 (n, 2), rows of the inputs
    kind : int8 (n,), 0 where both are of one class, 1 where not; None without labels
    distance : float64 (n,), Euclidean
    endpoint_counts : int64 (n, layers), bits that differ at the two ends
    exact_counts : int64 (n, layers), crossings of the segment between them, or None
    endpoint, exact : float64 (n, layers), counts per unit of distance; NaN at distance 0
    comparison : mapping of "endpoint" (and "exact") to `GroupComparison`, or None without labels
        Every statistic float64 (layers + 1,): the last column is all layers together.
    means : mapping of the same names to `Interval`, without labels; else None
    confidence : float, of the intervals
    distance_of : "inputs", or the layer between whose outputs distances are taken
    unit : str, what a density counts
    work : mapping

    """

    layers: tuple[str, ...]
    bits: Indices
    pairs: Indices
    kind: Kinds | None
    distance: Values
    endpoint_counts: Counts
    exact_counts: Counts | None
    endpoint: Values
    exact: Values | None
    comparison: Mapping[str, GroupComparison] | None
    means: Mapping[str, Interval] | None
    confidence: float
    distance_of: str
    work: Mapping[str, int]
    unit: str = "boundaries"

    @property
    def missed(self) -> Counts | None:
        """Crossings that the ends do not show, int64 (n, layers): exact - endpoint, or None.

        Even numbers: a unit that the ends miss crossed, and crossed back.
        """
        return None if self.exact_counts is None else self.exact_counts - self.endpoint_counts

    def per_bit(self) -> BoundaryDensity:
        """Return densities as a share of each layer's bits, so that layers of any size compare."""
        bits = np.append(self.bits, self.bits.sum()).astype(np.float64)
        return replace(
            self,
            endpoint=self.endpoint / self.bits,
            exact=None if self.exact is None else self.exact / self.bits,
            comparison=_divided(self.comparison, bits),
            means=_divided(self.means, bits),
            unit="share of the layer's bits",
        )

    def densities(self) -> dict[str, Values]:
        """Return the endpoint density and, if there is one, the exact one, by name."""
        found = {"endpoint": self.endpoint, "exact": self.exact}
        return {name: values for name, values in found.items() if values is not None}

    def by_kind(self) -> dict[str, tuple[Values, Values]]:
        """Return the densities of same-class and of different-class pairs, by name.

        Raises ValueError without labels.
        """
        if self.kind is None:
            raise ValueError("pairs have no kind: wanted labels in boundary_density(...)")
        return {
            name: (values[self.kind == 0], values[self.kind == 1])
            for name, values in self.densities().items()
        }

    def tables(self) -> Sequence[Table]:
        """Return the distances, the densities by layer and what the ends miss."""
        densities = [self._density_table(name) for name in self.densities()]
        missed = [] if self.missed is None else [self._missed_table(self.missed)]
        return [self._distance_table(), *densities, *missed]

    def _groups(self) -> list[tuple[str, np.ndarray[Any, np.dtype[np.bool_]]]]:
        if self.kind is None:
            return [("all", np.ones(len(self.pairs), bool))]
        return [("same class", self.kind == 0), ("different classes", self.kind == 1)]

    def _distance_table(self) -> Table:
        title = f"L2 distance of {self.distance_of}"
        if self.kind is not None:
            d = cohens_d(self.distance[self.kind == 0], self.distance[self.kind == 1])
            title += f" (different - same: {d:+.2f} standard deviations)"
        rows = [
            (name, f"{mine.sum():,}", f"{(self.distance[mine] == 0).sum():,}", *self._spread(mine))
            for name, mine in self._groups()
        ]
        return Table(title, ("pairs", "number", "at 0", "mean", "least", "largest"), rows)

    def _spread(self, mine: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[str, str, str]:
        distance = self.distance[mine]
        if len(distance) == 0:
            return "-", "-", "-"
        return f"{mean(distance).value:.4g}", f"{distance.min():.4g}", f"{distance.max():.4g}"

    def _density_table(self, name: str) -> Table:
        title = f"{name} density: {self.unit} per unit of distance, {100 * self.confidence:g} % "
        title += "intervals"
        names = [*self.layers, ALL_LAYERS]
        if self.comparison is None:
            assert self.means is not None
            means = [(layer, self.means[name].text(i)) for i, layer in enumerate(names)]
            return Table(title, ("layer", "mean"), means)
        found = self.comparison[name]
        shown = (found.same, found.different, found.ratio, found.effect)
        rows = [(layer, *(each.text(i) for each in shown)) for i, layer in enumerate(names)]
        header = ("layer", "same class", "different classes", "ratio", "Cohen's d")
        return Table(title, header, rows)

    def _missed_table(self, missed: Counts) -> Table:
        """Half of what is missed is how often a unit came back."""
        assert self.exact_counts is not None
        names = [*self.layers, ALL_LAYERS]
        groups = self._groups()
        columns = [
            _shares(missed[mine], self.exact_counts[mine]) for _, mine in groups if mine.any()
        ]
        return Table(
            "crossings that the ends miss: units that cross and cross back, a pair "
            "(share of the exact count)",
            ("layer", *(name for name, mine in groups if mine.any())),
            list(zip(names, *columns, strict=True)),
        )


def with_total(values: Any) -> Any:
    """Append the sum of all layers as a last column."""
    return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)


def _divided(statistics: Any, bits: Values) -> Any:
    if statistics is None:
        return None
    return {name: found.divided(bits) for name, found in statistics.items()}


def _shares(missed: Counts, exact: Counts) -> list[str]:
    """Write the mean number missed of each layer and of all, and its share of the exact ones."""
    counts = zip(with_total(missed).sum(axis=0), with_total(exact).sum(axis=0), strict=True)
    return [
        f"{part / len(missed):,.3g} ({percent(part / whole) if whole else '-'})"
        for part, whole in counts
    ]

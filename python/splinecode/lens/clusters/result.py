"""The monosemanticity comparison: groupings side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...tables import Table
from ..occupancy.purity import share
from .labelled import LabelAgreement
from .method import Ints, Values

_LARGEST = 5
"""Groups of each grouping in the table."""

_SHOWN = 6
"""Examples of each."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """One way to group the inputs.

    Attributes
    ----------
    name : str
    labels : int64 (n,)
        The group of each input, from 0; -1 for noise.
    groups : tuple of str
        What each group is: "cluster 3", "component 0 -", "unit 17".
    sizes : int64 (groups,)
    persistence : float64 (groups,)
        HDBSCAN's own measure of a cluster, from 0 to 1; NaN for directions.
    stability : float64 (groups,)
        Mean Jaccard similarity to the most similar group of a subsample's groups; NaN where
        nothing is fitted (neurons), or nothing was resampled.
    rand : float64 (subsamples,)
        Adjusted Rand index of the groups of a subsample and these, noise being a group too.
    examples : tuple of int64 (at most top,), one for each group
        Inputs, the best first: nearest to the cluster's medoid, or strongest along the direction.
    agreement : LabelAgreement, or None without labels

    """

    name: str
    labels: Ints
    groups: tuple[str, ...]
    sizes: Ints
    persistence: Values
    stability: Values
    rand: Values
    examples: tuple[Ints, ...]
    agreement: LabelAgreement | None

    @property
    def noise(self) -> float:
        """Share of the inputs in no group."""
        return float((self.labels < 0).mean())


@dataclass(frozen=True, repr=False, eq=False)
class Monosemanticity(Analysis):
    """What `monosemanticity` found; drawn by `splinecode.plots.monosemanticity`.

    Attributes
    ----------
    groupings : tuple of Grouping
        ``found["NMF directions"]`` takes one by its name.
    bits : int
        Units of the codes.
    labels : array (n,), or None
    work : "inputs", "inputs that share their code", "groupings" (with those of subsamples),
        "NMF fits that did not converge"

    """

    groupings: tuple[Grouping, ...]
    bits: int
    labels: NDArray[Any] | None
    work: dict[str, int]

    def __getitem__(self, name: str) -> Grouping:
        for grouping in self.groupings:
            if grouping.name == name:
                return grouping
        raise KeyError(f"no grouping {name!r}; there are {[g.name for g in self.groupings]}")

    def tables(self) -> list[Table]:
        """Return the groupings side by side, and the largest groups of each."""
        return [self._side_by_side(), self._largest()]

    def _side_by_side(self) -> Table:
        header = ["grouping", "groups", "noise"]
        if self.labels is not None:
            header += ["purity", "chance", "corrected", "AMI", "AMI with noise"]
        rows = [_row(grouping) for grouping in self.groupings]
        return Table("groupings side by side", [*header, "stability", "Rand", "persistence"], rows)

    def _largest(self) -> Table:
        header = ["grouping", "group", "inputs"]
        if self.labels is not None:
            header += ["label", "purity"]
        rows = [
            _group_row(grouping, group)
            for grouping in self.groupings
            for group in np.argsort(-grouping.sizes, kind="stable")[:_LARGEST]
        ]
        return Table("largest groups", [*header, "stability", "best examples"], rows)


def _row(grouping: Grouping) -> list[str]:
    cells = [grouping.name, f"{len(grouping.groups):,}", share(grouping.noise)]
    if grouping.agreement is not None:
        purity = grouping.agreement.purity
        cells += [share(purity.value), share(purity.chance)]
        cells += map(number, (purity.corrected, grouping.agreement.ami, grouping.agreement.ami_all))
    return [*cells, *map(average, (grouping.stability, grouping.rand, grouping.persistence))]


def _group_row(grouping: Grouping, group: int) -> list[str]:
    cells = [grouping.name, grouping.groups[group], f"{grouping.sizes[group]:,}"]
    if grouping.agreement is not None:
        agreement = grouping.agreement
        cells += [str(agreement.majority[group]), share(float(agreement.purities[group]))]
    examples = " ".join(map(str, grouping.examples[group][:_SHOWN]))
    return [*cells, number(float(grouping.stability[group])), examples]


def average(values: Values) -> str:
    """Write the mean of the values that are numbers, a dash if none is."""
    known = values[~np.isnan(values)]
    return f"{known.mean():.2f}" if len(known) else "-"


def number(value: float) -> str:
    """Write a number for a table, a dash for NaN."""
    return "-" if np.isnan(value) else f"{value:.2f}"

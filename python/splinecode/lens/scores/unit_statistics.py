"""Units by what they do over inputs: firing rates, dead ones, and which fire together."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import Array, to_host
from ...tables import Table
from ...units import firing_counts
from ..coded import codes_of, need_some_codes
from ..occupancy.purity import share
from .unit_pairs import UnitPairs, best_pairs

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class UnitStatistics(Analysis):
    """What `unit_statistics` found; drawn by `splinecode.plots.unit_statistics`.

    Attributes
    ----------
    layers : tuple of str
    layer, unit : int64 (units,)
        Position of every unit's layer, and of the unit in it.
    counts, rates : int64 and float64 (units,)
        Inputs for which a unit is active, and their share.
    dead, always_on : bool (units,)
        Active for none, or for all, of *these* inputs.
    cofiring, exclusive : UnitPairs
        Those of highest, and of lowest, correlation.
    work : "inputs", "units", "pairs of units", "units left out of pairs"

    """

    layers: tuple[str, ...]
    layer: Ints
    unit: Ints
    counts: Ints
    rates: NDArray[np.float64]
    dead: NDArray[np.bool_]
    always_on: NDArray[np.bool_]
    cofiring: UnitPairs
    exclusive: UnitPairs
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return a table of layers, and the first pairs of either kind."""
        header = ("layer", "units", "dead", "always on", "mean rate", "median rate")
        found = [Table("units by layer", header, [self._row(i) for i in range(len(self.layers))])]
        for title, pairs in (
            ("units that fire together", self.cofiring),
            ("units that exclude each other", self.exclusive),
        ):
            found.append(self._pairs_table(title, pairs))
        return found

    def _row(self, layer: int) -> tuple[str, ...]:
        mine = self.layer == layer
        units, rates = int(mine.sum()), self.rates[mine]
        return (
            self.layers[layer],
            f"{units:,}",
            f"{int(self.dead[mine].sum()):,}",
            f"{int(self.always_on[mine].sum()):,}",
            *(share(float(f(rates)) if units else np.nan) for f in (np.mean, np.median)),
        )

    def _pairs_table(self, title: str, pairs: UnitPairs) -> Table:
        rows = [
            (
                self.layers[pairs.layer[i]],
                " and ".join(map(str, pairs.units[i])),
                f"{pairs.together[i]:,}",
                f"{pairs.expected[i]:,.1f}",
                f"{pairs.jaccard[i]:.3f}",
                f"{pairs.correlation[i]:+.3f}",
            )
            for i in range(min(10, len(pairs.layer)))
        ]
        header = ("layer", "units", "together", "if independent", "Jaccard", "correlation")
        return Table(title, header, rows)


def unit_statistics(
    subject: Any,
    inputs: Array | Iterable[Any] | None = None,
    *,
    layers: str | Sequence[str] | None = None,
    top: int = 50,
    batch_size: int = 256,
    progress: bool = False,
) -> UnitStatistics:
    """Say how often each unit is active, which never or always are, and which go together.

    Parameters
    ----------
    subject : Codes, or torch.nn.Module in evaluation mode
    inputs : array, mapping of arrays or iterable of batches, for a model
    layers : glob or globs, optional
    top : int
        Pairs of units to keep of each kind, over all layers; a pair is of one layer.
    batch_size, progress : as in `spline_codes`

    Returns
    -------
    UnitStatistics

    Raises
    ------
    TypeError, ValueError, KeyError : no codes, a negative `top`; what `spline_codes` raises.
    MemoryError : units * units counts of a layer do not fit.

    Notes
    -----
    Pairs are ranked by correlation: nearly dead units exclude all others, and nearly always-on
    ones have high Jaccard similarities, by what they are. Constant units are left out: they have no
    correlation. O(n units words) by `cofiring` of each layer; beside the codes, int32
    counts of units * units of one layer.

    """
    if operator.index(top) < 0:
        raise ValueError(f"top is {top}; wanted at least 0 pairs")
    codes, _ = codes_of(
        subject, inputs, None, layers=layers, batch_size=batch_size, progress=progress
    )
    need_some_codes(codes, "codes")
    n = len(codes)
    counts = to_host(firing_counts(codes))
    bits = np.array([layer.bits for layer in codes.layers])
    dead, always_on = counts == 0, counts == n
    together, exclusive = best_pairs(codes, top)
    layer = np.repeat(np.arange(len(bits)), bits)
    varied = np.bincount(layer[~(dead | always_on)], minlength=len(bits))
    return UnitStatistics(
        tuple(layer.name for layer in codes.layers),
        layer,
        np.concatenate([np.arange(b) for b in bits]),
        counts,
        counts / n,
        dead,
        always_on,
        together,
        exclusive,
        {
            "inputs": n,
            "units": len(counts),
            "pairs of units": int((varied * (varied - 1) // 2).sum()),
            "units left out of pairs": int((dead | always_on).sum()),
        },
    )

"""Which polytopes inputs fall into: how many, how full, and how pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import Array, to_host
from ...codes import Codes
from ...tables import Table
from ..coded import classes_of, codes_of, layers_of, need_some_codes, prefixes_of
from .purity import Agreement, Purity, need_shuffles, pair_agreement, purity, share


@dataclass(frozen=True)
class Occupancy:
    """The polytopes that inputs fall into, by the code of some layers.

    Attributes
    ----------
    name : str
        The layer, or the last of the layers from the first on.
    bits : int
    counts : int64 (distinct,)
        Inputs of every occupied polytope, the fullest first.
    purity, purity_shared : Purity, or None without labels
        Over all inputs, where a polytope of one input is pure by construction; and over the inputs
        that share their polytope with another one.
    agreement : Agreement, or None without labels
        Over pairs of inputs in one polytope.

    """

    name: str
    bits: int
    counts: NDArray[np.int64]
    purity: Purity | None
    purity_shared: Purity | None
    agreement: Agreement | None

    @property
    def inputs(self) -> int:
        """Inputs in all polytopes."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        """Occupied polytopes."""
        return len(self.counts)

    @property
    def singletons(self) -> int:
        """Polytopes with one input."""
        return int((self.counts == 1).sum())

    @property
    def histogram(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Inputs in a polytope, rising, and the number of polytopes with so many: int64 each."""
        sizes, number = np.unique(self.counts, return_counts=True)
        return sizes, number.astype(np.int64, copy=False)


@dataclass(frozen=True, eq=False, repr=False)
class Regions(Analysis):
    """What `regions` found; drawn by `splinecode.plots.regions`.

    Attributes
    ----------
    each : tuple of Occupancy
        By the code of one layer, in the order of the layers.
    cumulative : tuple of Occupancy
        By the code of the first layer, the first two, ... up to all of them.
    work : "inputs", "codes compared" (inputs times scopes), "shuffles"

    """

    each: tuple[Occupancy, ...]
    cumulative: tuple[Occupancy, ...]
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return a table of single layers and one of layers from the first on."""
        titles = ("polytopes by the code of one layer", "polytopes by all layers up to this one")
        return [
            _occupancy_table(title, found)
            for title, found in zip(titles, (self.each, self.cumulative), strict=True)
        ]


def regions(
    subject: Any,
    inputs: Array | Iterable[Any] | None = None,
    labels: Any = None,
    *,
    layers: str | Sequence[str] | None = None,
    shuffles: int = 20,
    seed: int = 0,
    batch_size: int = 256,
    progress: bool = False,
) -> Regions:
    """Count the polytopes that inputs occupy, how full they are and how pure their labels.

    Parameters
    ----------
    subject : Codes, or torch.nn.Module in evaluation mode
    inputs : array, mapping of arrays or iterable of batches, for a model
        As in `spline_codes`; a loader of (batch, labels) pairs gives labels too.
    labels : array-like (n,), optional
        One label an input, of any kind that sorts. Without them there is no purity.
    layers : glob or globs, optional
        Which layers' codes; by default all.
    shuffles : int
        Shuffles of the labels for the chance level of `Purity`.
    seed : int
    batch_size, progress : as in `spline_codes`

    Returns
    -------
    Regions

    Raises
    ------
    TypeError, ValueError, KeyError : no codes, no layer, a number of labels that is not that of the
        inputs, no shuffles; what `spline_codes` raises.

    Notes
    -----
    Codes of many bits are almost all distinct, and a polytope of one input is pure: the plain
    purity then says nothing. `purity_shared` leaves those out and has its chance level beside it;
    `agreement` is over pairs, and its chance level is exact.
    O(n (words + shuffles log n)) for each layer, and for the layers up to each. Codes on a GPU are
    counted there, and the counts copied back.

    """
    need_shuffles(shuffles)
    codes, labels = codes_of(
        subject, inputs, labels, layers=layers, batch_size=batch_size, progress=progress
    )
    need_some_codes(codes, "codes")
    classes = None if labels is None else classes_of(labels)[1]
    rng = np.random.default_rng(seed)
    each = tuple(_occupancy(part, classes, shuffles, rng) for part in layers_of(codes))
    cumulative = tuple(
        each[i] if i == 0 else _occupancy(part, classes, shuffles, rng)
        for i, part in enumerate(prefixes_of(codes))
    )
    scopes = 2 * len(each) - 1
    work = {"inputs": len(codes), "codes compared": scopes * len(codes)}
    if classes is not None:
        work["shuffles"] = 2 * scopes * shuffles
    return Regions(each, cumulative, work)


def _occupancy(
    codes: tuple[str, Codes], classes: NDArray[np.int64] | None, shuffles: int, rng: Any
) -> Occupancy:
    name, part = codes
    unique = part.unique()
    counts = to_host(unique.counts)
    fullest_first = -np.sort(-counts)
    if classes is None:
        return Occupancy(name, part.n_bits, fullest_first, None, None, None)
    groups = to_host(unique.inverse)
    shared = counts[groups] > 1
    return Occupancy(
        name,
        part.n_bits,
        fullest_first,
        purity(groups, classes, shuffles, rng),
        purity(groups[shared], classes[shared], shuffles, rng),
        pair_agreement(groups, classes),
    )


def _occupancy_table(title: str, found: Sequence[Occupancy]) -> Table:
    header = ["layer", "bits", "polytopes", "singletons", "fullest"]
    if found[0].purity is not None:
        header += ["purity", "sharing inputs", "their purity", "chance", "pairs agree", "chance"]
    return Table(title, header, [_occupancy_row(part) for part in found])


def _occupancy_row(part: Occupancy) -> list[str]:
    cells = [
        part.name,
        f"{part.bits:,}",
        f"{part.distinct:,}",
        f"{part.singletons:,}",
        f"{int(part.counts[0]):,}",
    ]
    if part.purity is None or part.purity_shared is None or part.agreement is None:
        return cells
    shared, pairs = part.purity_shared, part.agreement
    return [
        *cells,
        share(part.purity.value),
        share(shared.inputs / part.inputs),
        share(shared.value),
        share(shared.chance),
        share(pairs.value),
        share(pairs.chance),
    ]

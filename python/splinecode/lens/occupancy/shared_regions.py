"""Which polytopes two batches share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...analysis import Analysis
from ...arrays import need_same_place, to_host
from ...codes import Codes, need_same_layers
from ...sets import union
from ...tables import Table
from ..coded import layers_of, need_codes, need_some_codes, prefixes_of
from .purity import share


class SharedOccupancy(NamedTuple):
    """Polytopes of two batches, by the code of some layers.

    distinct_a, distinct_b, distinct_both : polytopes that each occupies, and that both do
    inputs_a, inputs_b : inputs of each that lie in a polytope of both
    """

    name: str
    bits: int
    distinct_a: int
    distinct_b: int
    distinct_both: int
    inputs_a: int
    inputs_b: int

    @property
    def jaccard(self) -> float:
        """Polytopes of both over polytopes of either; NaN without any."""
        either = self.distinct_a + self.distinct_b - self.distinct_both
        return self.distinct_both / either if either else float("nan")


@dataclass(frozen=True, eq=False, repr=False)
class SharedRegions(Analysis):
    """What `shared_regions` found; drawn by `splinecode.plots.shared_regions`.

    Attributes
    ----------
    each, cumulative : tuple of SharedOccupancy
        As in `Regions`.
    inputs : (int, int)
        Inputs of a and of b.
    work : "inputs of a", "inputs of b", "codes compared"

    """

    each: tuple[SharedOccupancy, ...]
    cumulative: tuple[SharedOccupancy, ...]
    inputs: tuple[int, int]
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return a table of single layers and one of layers from the first on."""
        titles = ("shared polytopes, one layer", "shared polytopes, all layers up to this one")
        return [
            self._table(title, found)
            for title, found in zip(titles, (self.each, self.cumulative), strict=True)
        ]

    def _table(self, title: str, found: Sequence[SharedOccupancy]) -> Table:
        a, b = self.inputs
        rows = [
            (
                part.name,
                f"{part.bits:,}",
                f"{part.distinct_a:,}",
                f"{part.distinct_b:,}",
                f"{part.distinct_both:,}",
                share(part.jaccard),
                share(part.inputs_a / a),
                share(part.inputs_b / b),
            )
            for part in found
        ]
        header = ("layer", "bits", "in a", "in b", "in both", "Jaccard", "inputs of a", "of b")
        return Table(title, header, rows)


def shared_regions(codes_a: Codes, codes_b: Codes) -> SharedRegions:
    """Count the polytopes that two batches share, layer by layer.

    Parameters
    ----------
    codes_a, codes_b : Codes of one layout, library and device
        Of two data sets through one network, or of one data set through two checkpoints; the
        polytopes of two checkpoints lie elsewhere even where their codes are equal, so there an
        equal code means that the same units are active.

    Returns
    -------
    SharedRegions

    Raises
    ------
    TypeError : not Codes.
    ValueError : another layout, library or device; no codes, or no layer.

    Notes
    -----
    O((n + m) words) for each layer, and for the layers up to each, by `sets.union`,
    which copies the words of both.

    """
    for codes, name in ((codes_a, "codes_a"), (codes_b, "codes_b")):
        need_codes(codes, name)
        need_some_codes(codes, name)
    need_same_place(codes_a.words, "codes_a", codes_b.words, "codes_b")
    need_same_layers(codes_a, "codes_a", codes_b, "codes_b")
    each = _shared_parts(layers_of(codes_a), layers_of(codes_b))
    cumulative = _shared_parts(prefixes_of(codes_a), prefixes_of(codes_b))
    n, m = len(codes_a), len(codes_b)
    compared = (len(each) + len(cumulative)) * (n + m)
    work = {"inputs of a": n, "inputs of b": m, "codes compared": compared}
    return SharedRegions(each, cumulative, (n, m), work)


def _shared_parts(
    parts_a: Iterable[tuple[str, Codes]], parts_b: Iterable[tuple[str, Codes]]
) -> tuple[SharedOccupancy, ...]:
    return tuple(_shared(name, a, b) for (name, a), (_, b) in zip(parts_a, parts_b, strict=True))


def _shared(name: str, a: Codes, b: Codes) -> SharedOccupancy:
    codes, a_inverse, b_inverse = union(a, b)
    in_a, in_b = (
        np.bincount(to_host(inverse), minlength=len(codes)) for inverse in (a_inverse, b_inverse)
    )
    both = (in_a > 0) & (in_b > 0)
    return SharedOccupancy(
        name,
        a.n_bits,
        int((in_a > 0).sum()),
        int((in_b > 0).sum()),
        int(both.sum()),
        int(in_a[both].sum()),
        int(in_b[both].sum()),
    )

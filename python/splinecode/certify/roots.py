"""Where boundary forms next become zero."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from .dyadic import Vector
from .exact import Form
from .places import Rows
from .sides import Layer, Side


def next_roots(
    layers: Sequence[Layer], sides: Sequence[Side], rows: Rows, reach: Vector
) -> list[Fraction | None]:
    """Return the least t of each row at which a boundary form vanishes that does not right before.

    `sides` are those of the rows just right of where they are, `reach` (rows,) is how far from
    `low` to look at least: None says that there is no root up to there.
    """
    enclosures = [
        layer.float_forms(rows).roots(side.sign) for layer, side in zip(layers, sides, strict=True)
    ]
    limit = reach
    for _, last in enclosures:
        limit = np.minimum(limit, last.min(axis=-1, initial=np.inf))
    least: list[tuple[int, int] | None] = [None] * len(rows)
    for layer, side, (first, _) in zip(layers, sides, enclosures, strict=True):
        row, bit = np.nonzero(first <= limit[:, None])
        forms = layer.exact_forms(rows[row], bit)
        signs = side.sign[row, bit].tolist()
        for r, sign, form in zip(row.tolist(), signs, forms, strict=True):
            least[r] = _earlier(least[r], _root(form, sign))
    return [None if root is None else Fraction(*root) for root in least]


def _root(form: Form, sign: int) -> tuple[int, int] | None:
    """Return the root of a form that has this sign right before it, as (p, q > 0) for p / q."""
    alpha, beta = form
    if beta * sign >= 0:
        return None
    return (-alpha, beta) if beta > 0 else (alpha, -beta)


def _earlier(
    first: tuple[int, int] | None, second: tuple[int, int] | None
) -> tuple[int, int] | None:
    if first is None or second is None:
        return first or second
    return first if first[0] * second[1] <= second[0] * first[1] else second

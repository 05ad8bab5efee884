"""The dense part of an affine step as few large matrix products.

A step's terms multiply columns of a cell by rows of a matrix: a convolution has one for each
position and tap. Terms that take the same columns of much the same cells become one product of all
rows of these cells with the matrices side by side; what falls on each output cell is added there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Integers = np.ndarray[Any, np.dtype[np.int64]]
Weights = np.ndarray[Any, np.dtype[np.float64]]

_SHARED = 0.75
"""Taps are multiplied together if the cells they take overlap by as much, of their union."""


class Product(NamedTuple):
    """Rows of `cells` at `columns`, times `weight`; terms add columns of the result to cells.

    cells : rising numbers of the program's cells
    columns : of each of these cells
    weight : (columns, n)
    out, cell, start, to, width : one entry a term, in the order of `out`, a cell of the node
        `width` columns of the product from `start` on add to those of the cell from `to` on.
    """

    cells: Integers
    columns: Integers
    weight: Weights
    out: Integers
    cell: Integers
    start: Integers
    to: Integers
    width: Integers

    def parts(self, n: int) -> list[slice]:
        """Cut its columns between terms into n runs."""
        starts = np.unique(self.start)
        first = [some[0] for some in np.array_split(starts, n)]
        return [slice(*ends) for ends in pairwise([*first, self.weight.shape[1]])]


class Taps(NamedTuple):
    """Dense terms by what they multiply.

    kinds : (taps, 3), numbers of a list of columns, a matrix and a list of its rows
    terms : of each tap (terms, 3): the cell of the node, the program's cell, the first column
    """

    kinds: Integers
    terms: list[Integers]


def taps_of(node: dict[str, Any]) -> Taps:
    """Sort a node's dense terms by what they multiply."""
    names = ("columns", "matrix", "rows", "out", "cell", "to")
    terms = np.stack([node[f"term_{name}"] for name in names], 1).astype(np.int64)
    kinds, kind = np.unique(terms[:, :3], axis=0, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    bounds = np.searchsorted(kind.ravel()[order], np.arange(len(kinds) + 1))
    return Taps(kinds, [terms[order[low:high], 3:] for low, high in pairwise(bounds)])


def products_of(taps: Taps, layout: dict[str, Any]) -> list[Product]:
    """Return the products that make up dense terms."""
    return [_product(taps, group, layout) for group in _groups(taps)]


def _groups(taps: Taps) -> list[list[int]]:
    """Group taps that take the same columns of much the same cells."""
    groups: list[tuple[int, set[int], list[int]]] = []
    for i, (kind, mine) in enumerate(zip(taps.kinds, taps.terms, strict=True)):
        cells = set(mine[:, 1].tolist())
        for columns, known, members in groups:
            if columns == kind[0] and len(known & cells) >= _SHARED * len(known | cells):
                known.update(cells)
                members.append(i)
                break
        else:
            groups.append((int(kind[0]), cells, [i]))
    return [members for _, _, members in groups]


def _product(taps: Taps, group: list[int], layout: dict[str, Any]) -> Product:
    weights, rows, start = [], [], 0
    for i in group:
        _, matrix, matrix_rows = taps.kinds[i]
        weight = layout["matrices"][matrix][layout["lists"][matrix_rows]]
        weights.append(weight)
        out, cell, to = taps.terms[i].T
        same = np.ones_like(out)
        rows.append(np.stack([out, cell, start * same, to, weight.shape[1] * same], 1))
        start += weight.shape[1]
    table = np.concatenate(rows)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Product(
        np.unique(table[:, 1]),
        np.asarray(layout["lists"][taps.kinds[group[0], 0]], np.int64),
        np.concatenate(weights, axis=1),
        *table.T,
    )


class Patches(NamedTuple):
    """What the cells of a node take, side by side, and the matrix that it meets.

    cell, column : (cells * rows of the matrix,), the place of what meets each row; cell -1 is 0
    weight : (rows of the matrix, n)
    to : the column of each cell from which on the product adds
    """

    cell: Any
    column: Any
    weight: Weights
    to: int


def patches_of(node: dict[str, Any], cells: int, layout: dict[str, Any]) -> list[Patches]:
    """Return the dense terms of a node as products of patches, one for each matrix.

    A matrix's products add to the same columns of every cell, as those of a group of channels do.
    """
    found = []
    for matrix in np.unique(node["term_matrix"]):
        weight = layout["matrices"][matrix]
        mine = np.flatnonzero(node["term_matrix"] == matrix)
        (to,) = np.unique(node["term_to"][mine])
        cell = np.full((cells, len(weight)), -1, np.int32)
        column = np.zeros_like(cell)
        for i in mine:
            rows = layout["lists"][node["term_rows"][i]]
            cell[node["term_out"][i], rows] = node["term_cell"][i]
            column[node["term_out"][i], rows] = layout["lists"][node["term_columns"][i]]
        found.append(Patches(cell.ravel(), column.ravel(), weight, int(to)))
    return found

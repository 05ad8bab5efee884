"""Affine steps: products of whole matrices by torch, brought to the knots of each cell.

What cells take is multiplied at the knots that it has, and only then brought to the knots of the
cells that it adds to: a convolution's early units have few, those of their receptive field.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .bounds import bound_affine
from .chords import multiply
from .layout import DevicePatches, DeviceProduct, Entries
from .lists import Knots, Values, rows_of
from .state import State
from .unions import united


def run_affine(state: State, number: int) -> None:
    """Make the values and bounds of an affine node."""
    node = state.layout.nodes[number]
    if (alike := _alike(state, number)) is not None:
        _multiply_alike(state, number, alike)
    elif node.patches is not None:
        _multiply_patches(state, number, node.patches)
    else:
        _add_up(state, number)
    bound_affine(state, number)
    if node.fields["needs_sizes"]:
        state.measure(number)
    else:
        state.expect_small(number)


def _alike(state: State, number: int) -> int | None:
    """Return the node each of whose cells becomes one cell by the same product, if it is so."""
    node = state.layout.nodes[number]
    if node.patches is not None or node.entries is not None or node.bias_row is None:
        return None
    if len(node.products) != 1:
        return None
    product, source = node.products[0].host, node.sources.alike
    if source not in state.values or state.values[source].width is None:
        return None
    one_term = len(product.out) == node.cells and product.weight.shape[1] == node.columns.width
    return source if one_term else None


def _multiply_alike(state: State, number: int, source: int) -> None:
    node = state.layout.nodes[number]
    assert node.bias_row is not None
    values = state.make(number, state.values[source].knots)
    multiply(state, source, node.products[0], node.bias_row, values.matrix)


def _multiply_patches(state: State, number: int, parts: list[DevicePatches]) -> None:
    """Bring what each cell takes side by side, at the knots of all of it."""
    node = state.layout.nodes[number]
    values = state.make(number, common_knots(state, number))
    _add_entries(state, values, node.entries or node.no_entries, node.bias)
    for patches in parts:
        width = len(patches.weight)
        at_once = max(1, state.budget.share // (width * state.dtype.itemsize))
        for start in range(0, values.knots.rows, at_once):
            rows = slice(start, min(start + at_once, values.knots.rows))
            with state.budget.held((rows.stop - start) * width * state.dtype.itemsize):
                _multiply_some_patches(state, values, patches, rows)


def _multiply_some_patches(
    state: State, values: Values, patches: DevicePatches, rows: slice
) -> None:
    width, knots = len(patches.weight), values.knots
    begin = knots.begin - rows.start  # rows are counted from the first of these
    taken = torch.empty((rows.stop - rows.start, width), dtype=state.dtype, device=state.device)
    row_arrays = (begin, knots.row_list[rows], begin[:-1] * width, patches.column_begin)
    state.kernels.add_entries(
        state.table.arrays,
        row_arrays,
        knots.t[rows],
        patches.entries.arrays,
        patches.zeros,
        taken.view(-1),
    )
    some = values.matrix[rows, patches.to : patches.to + patches.width]
    some.addmm_(taken, patches.weight)


def _add_up(state: State, number: int) -> None:
    """Add products and single products, each brought to the knots of its output."""
    node = state.layout.nodes[number]
    taken = _rows_of_products(state, node.products)
    values = state.make(number, common_knots(state, number))
    bias: Tensor | None = node.bias
    for product, rows in zip(node.products, taken, strict=True):
        _add_product(state, values, product, rows, bias)
        bias = None
    entries = node.entries or (node.no_entries if bias is not None else None)
    if entries is not None:
        _add_entries(state, values, entries, bias)


def _add_entries(state: State, values: Values, entries: Entries, bias: Tensor | None) -> None:
    knots = values.knots
    state.kernels.add_entries(
        state.table.arrays, values.row_arrays, knots.t, entries.arrays, bias, values.flat
    )


class _Rows(NamedTuple):
    """Which rows a product takes."""

    node: int | None
    """All of a node's, as they are."""
    total: int


def _rows_of_products(state: State, products: list[DeviceProduct]) -> list[_Rows]:
    """Count the rows that products take. Reads them all at once."""
    nodes = [_node_of(state, product) for product in products]
    lists = [state.table.lists_of(product.cells) for product in products]
    counts = [
        state.table.count[some].sum()
        for some, node in zip(lists, nodes, strict=True)
        if node is None
    ]
    totals = iter(state.read(*counts) if counts else [])
    return [_Rows(node, next(totals) if node is None else 0) for node in nodes]


def _node_of(state: State, product: DeviceProduct) -> int | None:
    """Return the node whose rows a product takes all and whole, if it is so."""
    taken = None if product.source is None else state.values.get(product.source)
    whole = taken is not None and taken.width == len(product.host.columns) and product.in_order
    return product.source if whole else None


def _add_product(
    state: State, values: Values, product: DeviceProduct, rows: _Rows, bias: Tensor | None
) -> None:
    """Add a product to values, or start from a bias."""
    itemsize = state.dtype.itemsize
    if rows.node is not None:
        taken = state.values[rows.node]
        x, begin, held = taken.matrix, taken.knots.begin, 0
    else:
        held = rows.total * len(product.host.columns) * itemsize
        state.budget.take(held)
        x, begin = _gathered_rows(state, product, rows.total)
    first_row = torch.full_like(state.table.count, -1)
    first_row[state.table.lists_of(product.cells)] = begin[:-1]
    size = len(x) * product.weight.shape[1] * itemsize
    for part in product.parts(-(-size // max(state.budget.share, 1))):
        with state.budget.held(len(x) * part.weight.shape[1] * itemsize):
            state.kernels.add_products(
                state.table.arrays,
                values.row_arrays,
                values.knots.t,
                x @ part.weight,
                first_row,
                part.terms,
                bias,
                values.flat,
            )
        bias = None
    state.budget.give(held)


def _gathered_rows(state: State, product: DeviceProduct, total: int) -> tuple[Tensor, Tensor]:
    """Copy the rows that a product takes, and return where each list begins."""
    lists = state.table.lists_of(product.cells)
    begin, row_list = rows_of(state, lists, total)
    x = torch.empty((total, len(product.host.columns)), dtype=state.dtype, device=state.device)
    state.kernels.gather_rows(state.table.arrays, lists, begin, row_list, product.columns, x)
    return x, begin


def common_knots(state: State, number: int) -> Knots:
    """Return the knots that the cells of a node have together with what they take."""
    node = state.layout.nodes[number]
    sources = node.sources
    if sources.alike in state.values:
        return state.values[sources.alike].knots
    return united(state, sources, node.cells)

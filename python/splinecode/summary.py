"""A network as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .steps import Conv, Kink, Linear, Pieces, Scale, Sparse, Sum

if TYPE_CHECKING:
    from .network import Node

_HEADER = ("name", "step", "shape", "units", "bits", "multiply-adds")
_LEFT = 3
"""Columns of text; those after them are of numbers, and aligned to the right."""


def table_of(nodes: Sequence[Node]) -> str:
    """Return a line for each node and one of totals; see `Network.summary`."""
    counts = [(node.units, _bits(node), multiply_adds(node)) for node in nodes]
    lines = [
        (node.name, type(node.step).__name__, " x ".join(map(str, node.shape)), *map(_number, row))
        for node, row in zip(nodes, counts, strict=True)
    ]
    totals = ("total", "", "", *(f"{sum(column):,}" for column in zip(*counts, strict=True)))
    widths = [max(map(len, column)) for column in zip(_HEADER, *lines, totals, strict=True)]
    rule = "-" * sum(widths, 2 * (len(widths) - 1))
    body = [_line(line, widths) for line in lines]
    return "\n".join([_line(_HEADER, widths), rule, *body, rule, _line(totals, widths)])


def multiply_adds(node: Node) -> int:
    """Return the multiplications and additions, counted in pairs, of one evaluation of a node.

    Gathers, concatenations and maxima have none; padding counts as if it were multiplied.
    """
    match node.step:
        case Linear(weight=weight):
            return node.units * weight.shape[1]
        case Conv(weight=weight):
            return node.units * weight[0].numel()
        case Sparse(weights=weights):
            return len(weights)
        case Scale() | Pieces():
            return node.units
        case Sum():
            return node.units * (len(node.inputs) - 1)
    return 0


def _bits(node: Node) -> int:
    return node.step.bits if isinstance(node.step, Kink) else 0


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = (
        cell.ljust(width) if column < _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(aligned).rstrip()

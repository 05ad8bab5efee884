"""The network in the making: nodes, and what cell numbers stand for."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..network import Node
from ..steps import Concat, Gather, Input, Scale, Shape, Step
from .cells import NOTHING, POISON, ROWS, Layout, Traced, layouts
from .errors import UnsupportedNetworkError


class Graph:
    """Nodes made so far, and the numbers of their cells.

    `name` gives the name of a node of the operation being read; `refuse` makes an error that says
    where that operation is; `rows` is the size of the batch. One row cannot mix with another: what
    is read with one is what the module computes of a single input.
    """

    def __init__(
        self,
        input_shape: Shape,
        name: Callable[[], str],
        refuse: Callable[[str], UnsupportedNetworkError],
        rows: int = ROWS,
    ) -> None:
        self.rows = rows
        self.nodes = [Node(Input(), (), "input", input_shape)]
        self._name = name
        self.refuse = refuse
        self._starts = [1]
        self._end = 1 + rows * self.nodes[0].units
        self._values = [0.0]  # of constants: cell -i has the i-th
        self._slots: dict[float, int] = {}
        self._errors: list[UnsupportedNetworkError] = []

    def input(self, batch: Tensor) -> Traced:
        """Return the network's input as a traced tensor of a batch's dtype, on its device."""
        shape = (self.rows, *self.nodes[0].shape)
        return Traced(torch.arange(1, self._end).reshape(shape), batch.dtype, batch.device)

    def ended(self, out: Any) -> tuple[list[Node], int]:
        """Return all nodes, and which of them is the network's output."""
        cells = self.cells_of(out)
        self.need_sound(cells)
        if cells.ndim == 0 or len(cells) != self.rows:
            raise UnsupportedNetworkError(
                f"the output has shape {tuple(cells.shape)} for a batch of {self.rows}; "
                "wanted the batch along its first axis"
            )
        self.layout([cells], inner=cells.ndim - 1)
        row = cells[0]
        node = self.node(row)
        if node == 0 and self.nodes[0].shape != row.shape:
            node = self.add(Gather(torch.arange(row.numel())), (0,), row.shape)
        self.nodes[node] = replace(self.nodes[node], shape=tuple(row.shape))
        return self.nodes, node

    # ------------------------------------------------------------------ nodes

    def add(self, step: Step, inputs: tuple[int, ...], shape: Sequence[int]) -> int:
        """Append a node and return its number; equal Gathers and Concats are made once."""
        for i in range(len(self.nodes) - 1, max(inputs), -1):
            if self.nodes[i].inputs == inputs and _moves_alike(self.nodes[i].step, step):
                return i
        self.nodes.append(Node(step, inputs, self._name(), tuple(shape)))
        self._starts.append(self._end)
        self._end += self.rows * self.nodes[-1].units
        return len(self.nodes) - 1

    def node(self, row: Tensor) -> int:
        """Return a node whose units are the given cells of one row, made where there is none."""
        node, index, shift = self.source(row)
        if not torch.equal(index, torch.arange(self.nodes[node].units)):
            node = self.add(Gather(index), (node,), row.shape)
        if shift is not None:
            node = self.add(Scale(torch.ones_like(shift), shift), (node,), row.shape)
        return node

    def source(self, row: Tensor) -> tuple[int, Tensor, Tensor | None]:
        """Return a node that has all the units of some cells of one row, without reordering them.

        Gives (node, index, shift): cell i is unit index[i] of the node, or the constant shift[i]
        where index[i] is -1; shift is None where all constants are 0.
        """
        cells = row.reshape(-1)
        whole = self._whole(cells)
        if whole is not None:
            return whole, torch.arange(len(cells)), None
        made = self._made_of(cells)
        index = torch.full_like(cells, -1)
        parts: list[int] = []
        start = 0
        origins = _in_order_of_appearance(made[made >= 0])
        for origin in origins:
            mine = made == origin
            units = cells[mine] - self._starts[origin]
            part, place = self._part(origin, units) if len(origins) > 1 else (origin, units)
            index[mine] = start + place
            parts.append(part)
            start += self.nodes[part].units
        node = self.add(Concat(), tuple(parts), (start,)) if len(parts) > 1 else (*parts, 0)[0]
        constants = self.values_of(cells)
        self.need_finite(constants)
        return node, index, constants if bool(constants.any()) else None

    def _whole(self, cells: Tensor) -> int | None:
        """Return the node whose units, for the first row, are just these cells: the usual case."""
        first = int(cells[0]) if len(cells) else 0
        node = bisect_right(self._starts, first) - 1
        if node < 0 or self._starts[node] != first or self.nodes[node].units != len(cells):
            return None
        return node if torch.equal(cells, torch.arange(first, first + len(cells))) else None

    def _part(self, origin: int, units: Tensor) -> tuple[int, Tensor]:
        """Return a node of those units of a node that are used, and where each of them is in it."""
        used, place = torch.unique(units, return_inverse=True)
        if len(used) == self.nodes[origin].units:
            return origin, units
        return self.add(Gather(used), (origin,), (len(used),)), place

    # ------------------------------------------------------------------ cells

    def output(
        self, step: Step, inputs: tuple[int, ...], layout: Layout, shape: Sequence[int]
    ) -> Tensor:
        """Append a node and return its cells, for all rows of the batch.

        The node computes one row, of this shape, whose axis `layout.axis` is what is left of the
        axis that holds the batch.
        """
        axis = layout.axis
        node = self.add(step, inputs, (*shape[:axis], *shape[axis + (shape[axis] == 1) :]))
        start, units = self._starts[node], self.nodes[node].units
        numbers = torch.arange(start, start + self.rows * units)
        return layout.join(numbers.reshape(self.rows, *shape)).contiguous()

    def layout(
        self, cells: Sequence[Tensor], constants: Sequence[Tensor] = (), inner: int = 0
    ) -> Layout:
        """Return where the rows of the batch are in tensors of one shape.

        The last `inner` axes are the operation's own. Raises UnsupportedNetworkError unless the
        rows are treated alike, each by itself: this is the proof that inputs do not mix.
        """
        for some in cells:
            self.need_sound(some)
        for layout in layouts(cells[0].shape, inner, self.rows):
            if all(self._rows_alike(layout.split(some)) for some in cells) and all(
                _rows_equal(layout.split(some)) for some in constants
            ):
                return layout
        raise self.refuse(
            "it mixes the inputs of a batch, or treats them differently; wanted a module that maps "
            "each row of the first axis by itself"
        )

    def need_sound(self, cells: Tensor) -> None:
        """Raise the error of what could not be read, if a cell comes from such a thing."""
        lowest = int(cells.min()) if cells.numel() else 0
        if lowest <= POISON:
            raise self._errors[POISON - lowest]

    def poison(self, error: UnsupportedNetworkError) -> int:
        """Return the number of cells that stand for an error, raised where they are needed."""
        if error not in self._errors:
            self._errors.append(error)
        return POISON - self._errors.index(error)

    def _rows_alike(self, rows: Tensor) -> bool:
        first = rows[0]
        made = self._made_of(first)
        known = made.clamp(min=0)
        starts = torch.tensor(self._starts)[known]
        units = torch.tensor([node.units for node in self.nodes])[known]
        if bool(((first - starts >= units) & (made >= 0)).any()):
            return False
        step = torch.where(made >= 0, units, 0)
        return all(torch.equal(rows[i], first + i * step) for i in range(1, self.rows))

    def _made_of(self, cells: Tensor) -> Tensor:
        """Return the node that each cell belongs to, -1 for constants."""
        return torch.searchsorted(torch.tensor(self._starts), cells.contiguous(), right=True) - 1

    # -------------------------------------------------------------- constants

    def constant(self, value: Any) -> Tensor | None:
        """Return a number, or a tensor that depends on no input, exactly in float64; else None."""
        if isinstance(value, Traced):
            if not self.is_constant(value):
                return None
            values = self.values_of(value.cells)
        elif isinstance(value, Tensor):
            values = value.detach().to("cpu", torch.float64)
        else:
            values = torch.tensor(value, dtype=torch.float64, device="cpu")
        self.need_finite(values)
        return values

    def cells_of(self, values: Any) -> Tensor:
        """Return the cells of a traced tensor, or cells for constants."""
        if isinstance(values, Traced):
            return values.cells
        if not isinstance(values, Tensor):
            values = torch.tensor(values, dtype=torch.float64, device="cpu")
        exact = values.detach().to("cpu", torch.float64)
        distinct, inverse = torch.unique(exact, return_inverse=True)
        numbers = [self._slot(value) for value in distinct.tolist()]
        return torch.tensor(numbers, dtype=torch.int64)[inverse]

    def _slot(self, value: float) -> int:
        if value == 0.0:
            return 0
        if value not in self._slots:
            self._slots[value] = -len(self._values)
            self._values.append(value)
        return self._slots[value]

    def is_constant(self, x: Traced) -> bool:
        """Tell whether a traced tensor holds constants alone."""
        self.need_sound(x.cells)
        return not self.is_unknown(x)

    def is_unknown(self, x: Traced) -> bool:
        """Tell whether a traced tensor depends on the input, or on what could not be read."""
        return bool(((x.cells > 0) | (x.cells <= POISON)).any())

    def values_of(self, cells: Tensor) -> Tensor:
        """Return the values of cells that are constants, 0.0 for others."""
        constants = (cells <= 0) & (cells > NOTHING)
        return torch.tensor(self._values, dtype=torch.float64)[torch.where(constants, -cells, 0)]

    def need_finite(self, values: Tensor) -> None:
        """Raise UnsupportedNetworkError for constants that are NaN or infinite."""
        if not bool(torch.isfinite(values).all()):
            raise self.refuse("it takes a constant that holds NaN or inf; wanted finite numbers")

    def is_minus_infinity(self, cells: Tensor) -> Tensor:
        """Return which cells are the constant -inf, which no maximum needs."""
        slot = self._slots.get(-math.inf)
        return torch.zeros_like(cells, dtype=torch.bool) if slot is None else cells == slot


def _in_order_of_appearance(numbers: Tensor) -> list[int]:
    distinct, inverse = torch.unique(numbers, return_inverse=True)
    first = torch.full((len(distinct),), len(numbers)).scatter_reduce(
        0, inverse, torch.arange(len(numbers)), "amin"
    )
    return [int(number) for number in distinct[first.argsort()]]


def _moves_alike(one: Step, other: Step) -> bool:
    if isinstance(one, Gather) and isinstance(other, Gather):
        return torch.equal(one.index, other.index)
    return isinstance(one, Concat) and isinstance(other, Concat)


def _rows_equal(rows: Tensor) -> bool:
    return rows.stride(0) == 0 or all(torch.equal(row, rows[0]) for row in rows[1:])

"""What a sweep of some tracks carries from step to step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from .bounds import SIZE2, SIZEINF
from .device import Kernels, arange, read, repeated
from .errors import OverBudgetError, ValueOverflowError
from .knot_table import KnotTable
from .layout import Layout
from .lists import Knots, Table, Values

if TYPE_CHECKING:
    from .chords import Chords

_MAX = torch.finfo(torch.float64).max
_SMALL = {torch.float64: 1e290, torch.float32: 1e35}
"""Values whose bound is below cannot have overflowed."""


class Budget:
    """Bytes that values may take."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = self.most_used = 0

    @property
    def share(self) -> int:
        """What passes by and can be cut may take of it at a time."""
        return self.limit // 8

    def take(self, size: int) -> None:
        """Count bytes; OverBudgetError where there are not as many."""
        if self.used + size > self.limit:
            raise OverBudgetError
        self.used += size
        self.most_used = max(self.most_used, self.used)

    def give(self, size: int) -> None:
        """Undo `take`."""
        self.used -= size

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Count bytes inside a ``with`` block."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)


class LayerEvents(NamedTuple):
    """Crossings of a layer, in any order: columns (n,), the layer's number."""

    layer: int
    track: Tensor
    t: Tensor
    error: Tensor
    bit: Tensor
    direction: Tensor


class Intervals(NamedTuple):
    """Ranges of t on tracks; those with low = NaN are none."""

    track: Tensor
    low: Tensor
    high: Tensor

    def of(self, chosen: Tensor) -> Intervals:
        """Return those that indices choose."""
        return Intervals(*(column[chosen] for column in self))


class State:
    """The sweep of some tracks after some of the nodes."""

    def __init__(self, layout: Layout, ends: Tensor, budget: Budget) -> None:
        self.layout = layout
        self.device, self.dtype = layout.device, layout.dtype
        self.roundoff = torch.finfo(layout.dtype).eps / 2
        self.ends = ends
        self.tracks = len(ends)
        self.budget = budget
        self.kernels = Kernels(ends)
        self.table = Table(layout.zeros + 1, self.tracks, layout.width)
        self.knot_table = KnotTable(ends, self.kernels)
        self.values: dict[int, Values] = {}
        self.bounds: dict[int, Tensor] = {}
        self.steps: dict[int, Tensor] = {}
        self.chords: dict[int, Chords] = {}
        self.events: list[LayerEvents] = []
        self.ambiguous: list[Intervals] = []
        self.assumed: list[Intervals] = []
        self.first_codes = torch.zeros(
            (self.tracks, layout.words), dtype=torch.int64, device=self.device
        )
        self._scratch = 0
        self._unread: list[tuple[int, Tensor, bool]] = []
        self._add_zeros()

    def _add_zeros(self) -> None:
        """Make the lists of the cell that is 0."""
        self.two_rows = self._two_rows()
        self.zeros = Values(self.layout.one_column, self.two_rows, self)
        self.zeros.flat.zero_()
        self.table.put(self.layout.zeros, self.zeros)

    def _two_rows(self) -> Knots:
        """Rows at the ends of each track."""
        begin = 2 * arange(self.ends, self.tracks + 1)
        row_list = repeated(arange(self.ends, self.tracks).to(torch.int32), 2)
        return Knots(begin, row_list, self.ends.flatten())

    def make(self, number: int, knots: Knots) -> Values:
        """Allocate the values of a node's cells and enter their lists."""
        node = self.layout.nodes[number]
        values = Values(node.columns, knots, self)
        self.values[number] = values
        self.table.put(node.first, values)
        return values

    def measure(self, number: int) -> None:
        """Take the sizes of a node's values into its bounds. The next read tells an overflow."""
        node, values = self.layout.nodes[number], self.values[number]
        norms = values.begin.new_zeros(len(values.begin))
        largest = torch.zeros_like(norms)
        self.kernels.measure(values.row_arrays, values.flat, norms, largest)
        norm, most = (bits.view(torch.float64).view(node.cells, -1) for bits in (norms, largest))
        self._unread.append((number, (~(norm <= _MAX)).any(), True))
        size = most.amax(0) if node.cells else self.ends.new_zeros(self.tracks)
        share = torch.where(size > 0, norm / size, 0.0)
        bounds = self.bounds[number]
        bounds[SIZE2] = norm[0] if node.cells == 1 else size * (share * share).sum(0).sqrt()
        bounds[SIZEINF] = size

    def expect_small(self, number: int) -> None:
        """Measure a node later, if the bound on its size does not exclude an overflow."""
        large = ~(self.bounds[number][SIZE2] < _SMALL[self.dtype])
        self._unread.append((number, large.any(), False))

    def read(self, *numbers: Tensor) -> list[int]:
        """Read sizes from the device; ValueOverflowError if a node's values were out of range."""
        unread, self._unread = self._unread, []
        sizes = read(*numbers, *(flag for _, flag, _ in unread))
        flags = sizes[len(numbers) :]
        for (number, _, measured), flag in zip(unread, flags, strict=True):
            if flag and measured:
                raise ValueOverflowError(number)
            if flag:
                self.measure(number)
        if self._unread:
            self.read()
        return sizes[: len(numbers)]

    def scratch(self, size: int) -> None:
        """Count bytes that the step in hand takes until it is done."""
        self.budget.take(size)
        self._scratch += size

    def finish(self, number: int) -> None:
        """End a step: drop what it took, and the values of nodes that no node after it reads."""
        self.budget.give(self._scratch)
        self._scratch = 0
        for node in self.layout.released[number]:
            self.budget.give(self.values.pop(node).bytes)
            self.chords.pop(node, None)

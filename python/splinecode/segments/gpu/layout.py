"""A network's cells and nodes, laid out by the compiled core, as tensors on a GPU."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ...network import Network
from ..program import program_of
from .kink_layout import MaxLayout, PiecesLayout
from .lists import Columns
from .products import Patches, Product, Taps, patches_of, products_of, taps_of

_HOST: WeakKeyDictionary[Network, dict[str, Any]] = WeakKeyDictionary()
_LAYOUTS: WeakKeyDictionary[Network, dict[tuple[torch.device, torch.dtype], Layout]] = (
    WeakKeyDictionary()
)

_MANY_TAPS, _SHARED_TAPS = 8, 4
"""From so many products on that serve fewer cells each, what cells take is brought side by side."""


class Sources(NamedTuple):
    """Pairs of a cell of a node and a cell of the network that it takes, by cells of the node."""

    out: Tensor  # int64, cells of the node
    cell: Tensor  # int64
    begin: list[int]
    """The first pair of each cell of the node, and how many pairs there are."""
    alike: int | None
    """The node whose cells they are, one each, in their order; None if they are not."""


class Entries:
    """Single products: a weight times a column of a cell, for each column of a node."""

    def __init__(self, layout: Layout, to: Any, cell: Any, column: Any, weight: Any, columns: int):
        order = np.argsort(to, kind="stable")
        self.columns = columns
        self.arrays = (
            layout.upload(np.searchsorted(to[order], np.arange(columns + 1))),
            layout.upload(cell[order].astype(np.int32)),
            layout.upload(column[order].astype(np.int32)),
            layout.upload(weight[order].astype(np.float64)),
        )


class Part(NamedTuple):
    """Some columns of a product, and the terms that add them to cells."""

    weight: Tensor
    terms: tuple[Tensor, ...]


class DeviceProduct:
    """A `Product` on a GPU."""

    def __init__(self, layout: Layout, product: Product, out_cells: int) -> None:
        self.host = product
        self.source = layout.in_order(np.arange(len(product.cells)), product.cells)
        self.in_order = bool((product.columns == np.arange(len(product.columns))).all())
        self.cells = layout.upload(product.cells)
        self.columns = layout.upload(product.columns.astype(np.int32))
        self.weight = layout.upload(product.weight, layout.dtype)
        self._layout, self._out_cells = layout, out_cells
        self._most_parts = len(np.unique(product.start))
        self._parts: dict[int, list[Part]] = {}

    def parts(self, n: int) -> list[Part]:
        """Cut it into n parts or more, as far as it can be cut; kept for few different n."""
        n = min(1 << (max(n, 1) - 1).bit_length(), self._most_parts)
        if n not in self._parts:
            self._parts[n] = [self._part(part) for part in self.host.parts(n)]
        return self._parts[n]

    def _part(self, columns: slice) -> Part:
        host = self.host
        mine = (host.start >= columns.start) & (host.start < columns.stop)
        cells = np.searchsorted(host.out[mine], np.arange(self._out_cells + 1))
        arrays = (host.cell, host.start - columns.start, host.to, host.width)
        upload = self._layout.upload
        terms = (upload(cells), *(upload(array[mine].astype(np.int32)) for array in arrays))
        return Part(self.weight[:, columns], terms)


class DevicePatches:
    """`Patches` on a GPU."""

    def __init__(self, layout: Layout, patches: Patches, cells: int) -> None:
        rows, self.width = patches.weight.shape
        self.to = patches.to
        self.column_begin = layout.upload(rows * np.arange(cells + 1))
        self.entries = layout.taken(patches.cell, patches.column)
        self.zeros = layout.upload(np.zeros(cells * rows))
        self.weight = layout.upload(patches.weight, layout.dtype)


class NodeLayout:
    """A node: its fields as the core names them, its cells and what its kernels take."""

    def __init__(self, layout: Layout, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.kind: str = fields["kind"]
        self.inputs: list[int] = fields["inputs"]
        self.first: int = fields["first_cell"]
        self.cells: int = fields["last_cell"] - fields["first_cell"]
        self.layer: int = fields["layer"]
        self.widths = layout.widths[self.first : self.first + self.cells].astype(np.int64)
        self.columns = layout.columns(self.widths)
        self._layout = layout

    @cached_property
    def units(self) -> Any:
        """The units of the columns of all cells, int64 on the host."""
        first = int(self._layout.widths[: self.first].sum())
        return self._layout.host["unit"][first : first + self.columns.total]

    @cached_property
    def unit(self) -> Tensor:
        """The units of the columns of all cells."""
        return self._layout.upload(self.units)

    @cached_property
    def bias(self) -> Tensor:
        """The bias of each column of an affine step, float64."""
        return self._layout.upload(self.fields["bias"])

    @cached_property
    def bias_row(self) -> Tensor | None:
        """The bias of the columns of each cell, if they are the same for all cells."""
        if self.columns.width is None:
            return None
        rows = self.fields["bias"].reshape(self.cells, self.columns.width)
        same = (rows == rows[0]).all()
        return self._layout.upload(rows[0], self._layout.dtype) if same else None

    @cached_property
    def sources(self) -> Sources:
        """The cells whose knots each cell takes; the cell of zeros where there is none."""
        if self.kind == "max":
            begin = self.fields["element_begin"]
            out = np.repeat(np.arange(self.cells), np.diff(begin))
            cell = self.fields["element_cell"].astype(np.int64)
        else:
            out = np.concatenate([self.fields["term_out"], self._entry_out])
            cell = np.concatenate([self.fields["term_cell"], self.fields["entry_cell"]])
        pairs = np.unique(np.stack([out, cell], 1).astype(np.int64)[cell >= 0], axis=0)
        without = np.setdiff1d(np.arange(self.cells), pairs[:, 0])
        zeros = np.stack([without, np.full(len(without), self._layout.zeros)], 1)
        pairs = np.concatenate([pairs, zeros])
        out, cell = pairs[np.argsort(pairs[:, 0], kind="stable")].T
        return Sources(
            self._layout.upload(out),
            self._layout.upload(cell),
            np.searchsorted(out, np.arange(self.cells + 1)).tolist(),
            self._layout.in_order(out, cell),
        )

    @cached_property
    def _entry_out(self) -> Any:
        """The cell of each single product."""
        return np.searchsorted(np.cumsum(self.widths), self.fields["entry_to"], side="right")

    @cached_property
    def _taps(self) -> Taps:
        return taps_of(self.fields)

    @cached_property
    def products(self) -> list[DeviceProduct]:
        """The dense part of an affine step."""
        return [
            DeviceProduct(self._layout, product, self.cells)
            for product in products_of(self._taps, self._layout.host)
        ]

    @cached_property
    def patches(self) -> list[DevicePatches] | None:
        """The dense part of an affine step whose cells take each its own columns of others.

        None where a product serves several cells.
        """
        taps = len(self._taps.kinds)
        if taps <= _MANY_TAPS or len(self.fields["term_out"]) >= _SHARED_TAPS * taps:
            return None
        found = patches_of(self.fields, self.cells, self._layout.host)
        return [DevicePatches(self._layout, patches, self.cells) for patches in found]

    @cached_property
    def entries(self) -> Entries | None:
        """The single products of an affine step."""
        names = ("entry_to", "entry_cell", "entry_column", "entry_weight")
        to, cell, column, weight = (self.fields[name] for name in names)
        return (
            Entries(self._layout, to, cell, column, weight, self.columns.total) if len(to) else None
        )

    @cached_property
    def no_entries(self) -> Entries:
        """Products of nothing: what starts from the bias stays so."""
        none = np.empty(0, np.int64)
        return Entries(self._layout, none, none, none, none, self.columns.total)

    @cached_property
    def norms(self) -> tuple[Tensor, ...]:
        """Of the units of an affine step: sums and norms of weights, absolute biases."""
        return tuple(self._layout.upload(np.asarray(x)) for x in self.fields["norms"][:3])

    @cached_property
    def pieces(self) -> PiecesLayout:
        """What the kernels of a layer of pieces take."""
        return PiecesLayout(self._layout, self)

    @cached_property
    def windows(self) -> MaxLayout:
        """What the kernels of a layer of maxima take."""
        return MaxLayout(self._layout, self)

    @cached_property
    def sums(self) -> int:
        """How many partial sums meet in an output at most."""
        entries = np.unique(np.stack([self._entry_out, self.fields["entry_cell"]]), axis=1)[0]
        counts = np.bincount(self.fields["term_out"], minlength=self.cells)
        counts = counts + np.bincount(entries, minlength=self.cells)
        return int(counts.max(initial=0))


class Layout:
    """The layout of a network for sweeps on one device, values in one dtype.

    Cells are numbered over the whole network; one more, `zeros`, is the constant 0.
    """

    def __init__(self, host: dict[str, Any], device: torch.device, dtype: torch.dtype) -> None:
        self.host = host
        self.device = device
        self.dtype = dtype
        self.track_bytes = 0.0
        """What a track took at most in the last sweep."""
        self.zeros = len(host["width"])
        self.widths = np.append(host["width"], np.int32(1))
        self.width = self.upload(self.widths)
        self.one_column = self.columns(np.ones(1, np.int64))
        self.nodes = [NodeLayout(self, fields) for fields in host["nodes"]]
        self.ends = np.array([node.first + node.cells for node in self.nodes])
        """One more than the last cell of each node."""
        words = [-(-node.fields["bits"] // 64) for node in self.nodes if node.layer >= 0]
        self.words = sum(words)
        self.first_words = [sum(words[:i]) for i in range(len(words))]
        self.first_bits = self.upload(64 * np.array(self.first_words, np.int64))
        outputs = self.nodes[-1].fields
        self.outputs = self.taken(outputs["unit_cell"], outputs["unit_column"])
        self.released = self._released()
        """The nodes whose values no node after each reads."""

    def _released(self) -> list[list[int]]:
        last = np.full(self.zeros, len(self.nodes))
        for number, cells in enumerate(self.host["released"]):
            last[cells] = number
        released: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            if node.cells and (end := last[node.first : node.first + node.cells].max()) < len(
                self.nodes
            ):
                released[end].append(number)
        return released

    def columns(self, widths: Any) -> Columns:
        """Lay the columns of cells one after the other."""
        same = len(widths) > 0 and bool((widths == widths[0]).all())
        begin = self.upload(np.cumsum([0, *widths]))
        return Columns(begin, int(widths.sum()), int(widths[0]) if same else None)

    def upload(self, values: Any, dtype: torch.dtype | None = None) -> Tensor:
        """Copy host values to the device, as they are or in another dtype.

        They are there when this returns: any stream may use them.
        """
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        return tensor.to(dtype or tensor.dtype).to(self.device)

    def taken(self, cell: Any, column: Any) -> Entries:
        """Return what brings columns of cells side by side; those of no cell (-1) are 0."""
        real = np.flatnonzero(cell >= 0)
        return Entries(self, real, cell[real], column[real], np.ones(len(real)), len(cell))

    def in_order(self, out: Any, cell: Any) -> int | None:
        """Return the node whose cells are the sources of cells, one each, in their order."""
        if not len(cell) or cell[0] == self.zeros or (out != np.arange(len(out))).any():
            return None
        source = self.node_of(int(cell[0]))
        node = self.nodes[source]
        alike = len(cell) == node.cells and (cell == node.first + out).all()
        return source if alike else None

    def node_of(self, cell: int) -> int:
        """Return the node that makes a cell."""
        return int(np.searchsorted(self.ends, cell, side="right"))


def layout_of(network: Network, device: torch.device, dtype: torch.dtype) -> Layout:
    """Return a network's layout, kept as long as the network lives."""
    if network not in _HOST:
        _HOST[network] = program_of(network).layout()
        _LAYOUTS[network] = {}
    known = _LAYOUTS[network]
    if (device, dtype) not in known:
        known[device, dtype] = Layout(_HOST[network], device, dtype)
    return known[device, dtype]

"""What the kernels of a layer of kinks take, on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from .layout import Layout, NodeLayout


class PiecesLayout:
    """A layer of piecewise-linear units."""

    def __init__(self, layout: Layout, node: NodeLayout) -> None:
        fields = node.fields
        cells = fields["pieces_cell"].astype(np.int64)
        zeros = cells < 0
        cells[zeros] = layout.zeros
        columns = fields["source_column"].astype(np.int64)
        of_cell = np.repeat(np.arange(node.cells), node.widths)
        columns[zeros[of_cell]] = 0
        self.source = layout.in_order(np.arange(len(cells)), cells)
        """The node whose cells the layer takes, in their order; None if it takes others."""
        self.cells = layout.upload(cells)
        self.units = (
            layout.upload(cells.astype(np.int32)),
            layout.upload(columns.astype(np.int32)),
            node.columns.begin,
        )
        thresholds = layout.upload(fields["threshold"])
        self.thresholds = thresholds if np.any(fields["threshold"]) else None
        """None if all are 0."""
        self.functions: float | tuple[Tensor, Tensor, Tensor] = (
            thresholds,
            layout.upload(fields["slope"]),
            layout.upload(fields["intercept"]),
        )
        """The slope below 0 of a ReLU's like; thresholds, slopes and intercepts of others."""
        if fields["is_relu"] and len(fields["slope"]):
            self.functions = float(fields["slope"][0])
        self.exact_zeros = layout.upload(np.append(layout.host["exact_zeros"] != 0, False)[cells])
        self._set_tolerances(layout, cells, columns, of_cell)

    def _set_tolerances(self, layout: Layout, cells: Any, columns: Any, of_cell: Any) -> None:
        """Take the norms that bound each unit's rounding, and note whose bounds count for it."""
        owner = np.searchsorted(layout.ends, cells, side="right")  # one past the last for zeros
        bounded_by, slot = np.unique(owner, return_inverse=True)
        self.bounded_by: list[int] = bounded_by.tolist()
        """Nodes; as many as there are is the cell of zeros."""
        self.slot = layout.upload(slot.astype(np.int32))
        norms = np.zeros((3, len(columns)))
        begin = np.cumsum([0, *layout.widths])
        unit = np.append(layout.host["unit"], 0)[begin[cells[of_cell]] + columns]
        for node in self.bounded_by:
            one = layout.nodes[node] if node < len(layout.nodes) else None
            if one is not None and one.kind == "affine" and not one.fields["sum"]:
                mine = owner[of_cell] == node
                rows = one.fields["norms"][:3]
                norms[:, mine] = np.stack(rows)[:, unit[mine]]
        self.norms = layout.upload(norms)


class MaxLayout:
    """A layer of maxima over windows of elements, which are brought side by side."""

    def __init__(self, layout: Layout, node: NodeLayout) -> None:
        fields = node.fields
        cell, column = fields["element_cell"], fields["element_column"]
        self.entries = layout.taken(cell, column)
        self.bias = layout.upload(np.zeros(len(cell)))
        self.columns = layout.columns(np.diff(fields["element_begin"]))
        self.exact = layout.upload(np.append(layout.host["exact_zeros"] != 0, True)[cell])
        """Of each element: whether a 0 is that of inactive units. Those of no cell (-1) too."""
        self.arrays = (layout.upload(fields["window_begin"]), layout.upload(fields["index"]))
        self.bits = layout.upload(fields["bit"])

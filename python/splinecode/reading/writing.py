"""Constants that a module writes values into: ``out = torch.zeros(n, 8); out[:, :4] = x``."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

from .cells import Traced
from .graph import Graph


class Written:
    """The storages of plain tensors that values were written into, and the cells in them.

    Tensors that share a storage see what is written through any of them, as in torch.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._cells: dict[int, Tensor] = {}
        self._kept: list[Tensor] = []  # no storage is given to another tensor while we look

    def open(self, plain: Tensor) -> Traced:
        """Return a plain floating tensor as a traced one that shares the cells of its storage."""
        address = plain.untyped_storage().data_ptr()
        if address not in self._cells:
            whole = plain.untyped_storage().nbytes() // plain.element_size()
            self._cells[address] = self._graph.cells_of(plain.as_strided((whole,), (1,), 0))
            self._kept.append(plain)
        cells = self._cells[address].as_strided(plain.shape, plain.stride(), plain.storage_offset())
        return Traced(cells, plain.dtype, plain.device)

    def seen(self, value: Any) -> Any:
        """Return arguments with the tensors that were written into as traced ones."""
        return pytree.tree_map_only(Tensor, self._seen, value) if self._cells else value

    def _seen(self, value: Tensor) -> Tensor:
        if isinstance(value, Traced) or not value.is_floating_point():
            return value
        return self.open(value) if value.untyped_storage().data_ptr() in self._cells else value

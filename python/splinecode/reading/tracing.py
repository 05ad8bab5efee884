"""Running a module on traced tensors: every torch operator that they meet is read."""

from __future__ import annotations

from functools import cache, reduce
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .cells import Traced
from .errors import UnsupportedNetworkError
from .graph import Graph
from .operations import READERS
from .operations.movement import FACTORIES, copied, filled, moved, moves
from .operations.probing import PROBED, probed
from .operations.refusals import CHANCE, DECIDES, DECISIONS, reason
from .writing import Written

Arguments = dict[str, Any]


class Tracing(TorchDispatchMode):
    """Reads the operators that run on traced tensors into a graph; runs the others as they are.

    The module's Python runs as ever, so that all its control flow is followed that does not depend
    on the input. An operator that is not read gives tensors that stand for the error: it is raised
    if the network's output needs them.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._graph = graph
        self.written = Written(graph)
        self.epsilon = 0.0  # the coarsest of the dtypes that the module computes in

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler, a second's work, to keep that out of here."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Read one operator."""
        arguments = self.written.seen(_by_name(func, args, kwargs or {}))
        traced = [some for some in pytree.tree_leaves(arguments) if isinstance(some, Traced)]
        if not traced:
            if torch.Tag.nondeterministic_seeded in func.tags:
                raise self._graph.refuse(CHANCE)
            return func(*args, **(kwargs or {}))
        if _is_composite(func):
            with self:
                return func.decompose(*args, **(kwargs or {}))
        try:
            if not _writes(func):
                return self._read(func, arguments, traced)
            self._write(func, arguments)
        except UnsupportedNetworkError as error:
            return self._failed(func, arguments, error)
        return args[0]

    def _write(self, func: Any, arguments: Arguments) -> None:
        """Read an operator that writes into its first operand, whose views see it."""
        if not func._schema.name.endswith("_") or torch.Tag.inplace_view in func.tags:
            raise self._graph.refuse("it writes to a tensor in a way that is not followed")
        name, overload = _name(func)
        operand, target = next(iter(arguments.items()))
        if not isinstance(target, Traced):
            target = arguments[operand] = self.written.open(target)
        if moves(name, overload):
            moved(self._graph, func, name, arguments)
        else:
            target.cells.copy_(self._reader(func, name.removesuffix("_"))(*arguments.values()))

    def _read(self, func: Any, arguments: Arguments, traced: list[Traced]) -> Any:
        name, overload = _name(func)
        if name in DECISIONS and any(map(self._graph.is_unknown, traced)):
            raise self._graph.refuse(DECIDES)
        for some in traced:
            if not some.is_floating_point():
                self._graph.need_sound(some.cells)
        dtype, device = _dtype(arguments), traced[0].device
        self.epsilon = max(self.epsilon, torch.finfo(dtype).eps if dtype.is_floating_point else 0)
        if name in FACTORIES:
            return self._constant(filled(func, name, arguments))
        if name == "_to_copy":
            device = arguments["device"] or device
            return Traced(copied(self._graph, arguments["self"], dtype), dtype, device)
        if moves(name, overload):
            out = moved(self._graph, func, name, arguments)
        elif all(self._graph.is_constant(some) for some in traced):
            return self._computed(func, arguments)
        elif name in PROBED:
            out = probed(self._graph, func, arguments, traced)
        else:
            out = self._reader(func, name)(*arguments.values())
        return self._wrapped(out, dtype, device)

    def _reader(self, func: Any, name: str) -> Any:
        reader = READERS.get(f"{name}.{func._schema.overload_name}", READERS.get(name))
        if reader is None:
            by_chance = torch.Tag.nondeterministic_seeded in func.tags
            raise self._graph.refuse(reason(name, by_chance))
        return lambda *arguments: reader(self._graph, *arguments)

    def _wrapped(self, out: Any, dtype: torch.dtype, device: torch.device) -> Any:
        """Return traced tensors for cells; those of what is not read (None) stand for an error."""
        if isinstance(out, Tensor):
            return Traced(out, dtype, device)
        unread = self._graph.refuse("only its first result is read, not such as indices")
        return [
            Traced(torch.full_like(out[0], self._graph.poison(unread)), torch.int64, device)
            if cells is None
            else Traced(cells, dtype, device)
            for cells in out
        ]

    def _computed(self, func: Any, arguments: Arguments) -> Any:
        """Run an operator whose operands are constants."""
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise self._graph.refuse(CHANCE)

        def values(some: Traced) -> Tensor:
            return self._graph.values_of(some.cells).to(some.device, some.dtype)

        out = func(**pytree.tree_map_only(Traced, values, arguments))
        return pytree.tree_map_only(Tensor, self._constant, out)

    def _constant(self, values: Tensor) -> Tensor:
        """Return a constant as a traced tensor, which traced values may be written into."""
        if not values.is_floating_point():
            return values
        return Traced(self._graph.cells_of(values), values.dtype, values.device)

    def _failed(self, func: Any, arguments: Arguments, error: UnsupportedNetworkError) -> Any:
        """Return what stands for an error, or raise it where Python would see values."""
        poison = self._graph.poison(error)
        target = next(iter(arguments.values()))
        if func._schema.is_mutable and isinstance(target, Traced):
            target.cells.fill_(poison)
            return target
        if not all(str(some.type) in ("Tensor", "List[Tensor]") for some in func._schema.returns):
            raise error
        shapes = func(**pytree.tree_map_only(Tensor, _without_values, arguments))
        return pytree.tree_map_only(
            Tensor,
            lambda some: Traced(torch.full(some.shape, poison), some.dtype, "cpu"),
            shapes,
        )


@cache
def _is_composite(func: Any) -> bool:
    """Tell whether an operator is to be read as those that it is made of.

    They come one by one already, but from inference mode and from inference tensors.
    """
    name, overload = _name(func)
    known = name.removesuffix("_") in READERS or name in FACTORIES or moves(name, overload)
    return not known and name not in DECISIONS and bool(func._can_decompose())


@cache
def _writes(func: Any) -> bool:
    """Tell whether an operator writes into an operand.

    Those that are read and do so beside their result (running statistics, noise) are refused in
    training mode, and write nothing in evaluation mode.
    """
    name, overload = _name(func)
    return func._schema.is_mutable and (name not in READERS or "out" in overload)


@cache
def _name(func: Any) -> tuple[str, str]:
    """Return the name of an aten operator and of its overload."""
    space, name = func._schema.name.split("::")
    return (name if space == "aten" else f"{space}::{name}"), func._schema.overload_name


def _by_name(func: Any, args: Any, kwargs: Arguments) -> Arguments:
    """Return all arguments of an operator by their names, defaults included, in order."""
    out = {}
    for i, declared in enumerate(func._schema.arguments):
        default = declared.default_value
        out[declared.name] = args[i] if i < len(args) else kwargs.get(declared.name, default)
    return out


def _dtype(arguments: Arguments) -> torch.dtype:
    """Return the dtype that an operator's result has, as far as it is floating."""
    asked = arguments.get("dtype")
    if isinstance(asked, torch.dtype):
        return asked
    floats = [
        some
        for some in pytree.tree_leaves(arguments)
        if isinstance(some, Tensor) and some.is_floating_point()
    ]
    full = [some.dtype for some in floats if some.ndim] or [some.dtype for some in floats]
    return reduce(torch.promote_types, full, full[0] if full else torch.get_default_dtype())


def _without_values(some: Tensor) -> Tensor:
    return torch.empty(some.shape, dtype=some.dtype, device="meta")

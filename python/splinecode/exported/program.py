"""`Program`: a module that torch.export made, run operator by operator."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from .calls import Call, calls_of, function_name, nodes_of
from .parts import Part, hooked, part_of
from .pieces import Piece, joined, pieces
from .running import Run, Watch


class Program(nn.Module):
    """What torch.export made of a module, run operator by operator.

    Weights are those of the module given, under their names. Its parts stand for the modules that
    ran, and can be hooked for their outputs. `watch` is told of each operator; `signature` is that
    of the module exported.
    """

    def __init__(self, body: fx.GraphModule, *, is_whole: bool = True) -> None:
        super().__init__()
        self._kept = (body,)  # no part of this module: weights keep their names
        self._calls = calls_of(body)
        for calls in self._calls.values():
            for call in calls:
                part = part_of(self, call.path)
                assert isinstance(part, Part)
                part.kind = call.kind
        self._hold_weights()
        pytrees = getattr(body.graph._codegen, "pytree_info", None)
        self._in_spec = pytrees.in_spec if pytrees is not None else None
        self._out_spec = pytrees.out_spec if pytrees is not None and is_whole else None
        self.watch = Watch()
        self.signature = inspect.signature(body.forward)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program on the arguments of the module that was exported: see `signature`.

        They may have any number of inputs, by the first tensor among them. For a program of a fixed
        batch they are cut into batches of that size, the last one filled up with its last input,
        and what these give is put together: hooks see it once a run, without what was filled in.
        Of outputs, None stands for a tensor whose first axis is not of the batch's length.
        """
        watch, cut = hooked(self, self.watch), self._cut(args, kwargs)
        if cut is None:
            out = Run(self._body, watch).outputs(*self._flat(args, kwargs))
        else:
            ran = []
            for piece in cut:
                watch.begin(piece)
                flat = self._flat(piece.args, piece.kwargs)
                ran.append((piece, Run(self._body, watch).outputs(*flat)))
            watch.end()
            out = joined(ran)
        return out if self._out_spec is None else pytree.tree_unflatten(out, self._out_spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        """Return a program of its own weights, without hooks."""
        copied = Program(copy.deepcopy(self._body, memo), is_whole=self._out_spec is not None)
        return copied.train(self.training)

    def _hold_weights(self) -> None:
        for name, weight in self._body.named_parameters(remove_duplicate=False):
            path, _, own = name.rpartition(".")
            part_of(self, path).register_parameter(own, weight)
        for name, buffer in self._body.named_buffers(remove_duplicate=False):
            path, _, own = name.rpartition(".")
            part_of(self, path).register_buffer(own, buffer)

    def _apply(self, fn: Any, recurse: bool = True) -> Program:
        """Move the weights, or take them to another dtype: those that run."""
        self._body._apply(fn, recurse)
        self._hold_weights()
        return self

    def extra_repr(self) -> str:
        """Return the operators, as a module prints them."""
        return self._body.code.strip()

    @property
    def _body(self) -> fx.GraphModule:
        return self._kept[0]

    def _flat(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Return what the placeholders take."""
        bound = self.signature.bind(*args, **kwargs)
        if self._in_spec is None:
            return list(bound.args)
        places = list(range(self._in_spec.num_leaves))
        positional, named = pytree.tree_unflatten(places, self._in_spec)
        values = list(bound.arguments.values())
        first = tuple(values[: len(positional)])
        others = dict(zip(named, values[len(positional) :], strict=True))
        leaves, spec = pytree.tree_flatten((first, others))
        if spec != self._in_spec:
            raise ValueError(f"the exported program takes {self._in_spec}, not {spec}")
        return leaves

    def _cut(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Piece] | None:
        """Return pieces of the size that the program takes; None for arguments to run as one."""
        tensors = (x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor))
        batch = next(tensors, None)
        rows = None if batch is None else self.fixed_rows(args, kwargs, batch)
        if batch is None or rows is None or batch.shape[:1] in ((), (0,), (rows,)):
            return None
        return pieces(args, kwargs, len(batch), rows)

    def fixed_rows(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], batch: Tensor
    ) -> int | None:
        """Return the number of inputs that the program was exported for, None where any will do.

        `batch` is the one of the arguments that holds the inputs.
        """
        placeholders = [node for node in self._body.graph.nodes if node.op == "placeholder"]
        for node, value in zip(placeholders, self._flat(args, kwargs), strict=True):
            example = node.meta.get("val")
            if value is batch and isinstance(example, Tensor) and example.ndim:
                rows = example.shape[0]
                return rows if isinstance(rows, int) else None
        return None

    # ------------------------------------------------------------------ modules

    @contextmanager
    def watched(self, watch: Watch) -> Iterator[None]:
        """Have `watch` told of each operator, for the length of a block."""
        before, self.watch = self.watch, watch
        try:
            yield
        finally:
            self.watch = before

    def calls(self, node: fx.Node) -> tuple[Call, ...]:
        """Return the modules that a node ran in, outermost first, without the root."""
        return self._calls.get(node, ())

    def nodes(self) -> Iterator[fx.Node]:
        """Yield the operators in the order in which they run."""
        return nodes_of(self._body)

    def paths(self) -> list[str]:
        """Return the names of all modules that ran."""
        return list(dict.fromkeys(call.path for calls in self._calls.values() for call in calls))

    def outputs(self, path: str) -> dict[Call, fx.Node]:
        """Return the node that gives the output of a module, for each of its runs.

        Raises ValueError unless each run has one value that is used outside of it.
        """
        runs: dict[Call, set[fx.Node]] = {}
        for node, calls in self._calls.items():
            for call in calls:
                if call.path == path:
                    runs.setdefault(call, set()).add(node)
        return {call: self._used_outside(nodes, path) for call, nodes in runs.items()}

    def _used_outside(self, nodes: set[fx.Node], path: str) -> fx.Node:
        nodes = {node for node in nodes if self._is_outermost(node)} or nodes
        used = [node for node in nodes if any(user not in nodes for user in node.users)]
        if len(used) != 1:
            raise ValueError(
                f"{path!r} gives {len(used)} values in the exported program; wanted a module of one"
            )
        return used[0]

    def _is_outermost(self, node: fx.Node) -> bool:
        """Tell whether a node is in no block, such as one under torch.no_grad."""
        return node.graph is self._body.graph

    def until(self, path: str) -> Program:
        """Return the program that ends with the last run of a module, and gives its output.

        Raises ValueError where no such module ran, or it gives several values.
        """
        ends = [node for node in self.outputs(path).values() if self._is_outermost(node)]
        if not ends:
            raise ValueError(f"stop is {path!r}; the modules that ran are {self.paths()}")
        graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
        for node in self._body.graph.nodes:
            copies[node] = graph.node_copy(node, copies.__getitem__)
            if node is ends[-1]:
                break
        graph.output(copies[ends[-1]])
        graph.set_codegen(self._body.graph._codegen)
        return Program(fx.GraphModule(self._body, graph), is_whole=False)

    def need_evaluation(self) -> None:
        """Raise ValueError for a module that was exported in training mode."""
        for node in self._body.graph.nodes:
            schema = getattr(node.target, "_schema", None)
            for place, argument in enumerate(schema.arguments if schema is not None else ()):
                given = node.args[place : place + 1] or (node.kwargs.get(argument.name),)
                if argument.name in ("training", "train") and given[0] is True:
                    where = self.calls(node)[-1].path if self.calls(node) else "its root"
                    raise ValueError(
                        f"module was exported in training mode ({function_name(node)} at "
                        f"{where!r}); call module.eval() before torch.export.export"
                    )


def exported_program(module: Any) -> Program | None:
    """Return a program of torch.export to be run, None for what is none.

    Taken are an ExportedProgram, the module that it gives (``.module()``), any torch.fx graph of
    aten operators, and a `Program`, which is returned as it is.
    """
    if isinstance(module, Program):
        return module
    if isinstance(module, torch.export.ExportedProgram):
        return Program(module.module())
    if not isinstance(module, fx.GraphModule):
        return None
    aten = any(isinstance(node.target, torch._ops.OpOverload) for node in module.graph.nodes)
    return Program(module) if aten else None

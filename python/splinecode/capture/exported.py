"""Pre-activations of programs of torch.export: these have calls of operators, no modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from ..exported import Program, Watch
from ..exported.activations import activations, base_of

Record = Callable[[str, Tensor], None]


def recording_exported(
    program: Program, layers: str | Sequence[str] | None, record: Record
) -> Callable[..., None]:
    """Return what runs a program, and hands its pre-activations to `record` as they come.

    Layers are the calls of activations, each named as `read_network` names it: by its module's
    path, ``block.act`` (``block.act#2`` the second time), or, for a function, by that and the path
    of the module that calls it, ``block.relu``. With `layers`, globs over these names and those of
    all modules that ran: of an activation its input, of any other module its output.

    What is returned takes a program's arguments, with any number of inputs: for a program of a
    fixed batch they are cut into batches of that size, the last one filled up with its last input.

    Raises
    ------
    ValueError : no activations, or no matching layer, or an activation that has no code of one bit
        a unit.

    """
    watch = _Recording(*_chosen(program, layers))

    def run(*args: Any, **kwargs: Any) -> None:
        tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        rows = program.fixed_rows(args, kwargs, tensors[0])
        if rows is None or rows == len(tensors[0]):
            with program.watched(watch.into(record)):
                program(*args, **kwargs)
            return
        parts: dict[str, list[Tensor]] = defaultdict(list)
        for start in range(0, len(tensors[0]), rows):
            some, named, kept = _cut((args, kwargs), len(tensors[0]), start, rows)
            with program.watched(watch.into(_collecting(parts, rows, kept))):
                program(*some, **named)
        for name, values in parts.items():
            record(name, torch.cat(values))

    return run


def _cut(arguments: Any, inputs: int, start: int, rows: int) -> tuple[Any, Any, int]:
    """Return arguments for `rows` inputs from one on, and how many of them there really are."""
    places = torch.arange(start, start + rows).clamp(max=inputs - 1)
    args, kwargs = pytree.tree_map_only(
        Tensor, lambda x: x[places.to(x.device)] if x.shape[:1] == (inputs,) else x, arguments
    )
    return args, kwargs, min(rows, inputs - start)


def _collecting(parts: dict[str, list[Tensor]], rows: int, kept: int) -> Record:
    """Return what keeps the first rows of pre-activations, which what runs next may write over."""

    def keep(name: str, z: Tensor) -> None:
        if len(z) != rows:
            raise ValueError(
                f"{name!r} passes {len(z)} rows for {rows} inputs; its first axis must be the batch"
            )
        parts[name].append(z[:kept].clone())

    return keep


class _Recording(Watch):
    """Records what nodes take and what they give."""

    def __init__(
        self, taken: dict[fx.Node, tuple[str, fx.Node]], given: dict[fx.Node, list[str]]
    ) -> None:
        self._taken, self._given = taken, given
        self._record: Record = _nothing

    def into(self, record: Record) -> _Recording:
        """Return this, recording into something else."""
        self._record = record
        return self

    def before(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        if node in self._taken:
            name, operand = self._taken[node]
            self._record(name, values[operand])

    def after(self, node: fx.Node, value: Any) -> None:
        for name in self._given.get(node, ()):
            self._record(name, value)


def _chosen(
    program: Program, layers: str | Sequence[str] | None
) -> tuple[dict[fx.Node, tuple[str, fx.Node]], dict[fx.Node, list[str]]]:
    """Return the nodes of which to record an operand, and of which their value, by name."""
    found = activations(program, all_of_one_bit=layers is None)
    if layers is None:
        if not found:
            raise ValueError(
                "the exported program calls no activation; name the modules before them with "
                f"layers=; there are {program.paths()}"
            )
        return found, {}
    functions = {base_of(name) for name, _ in found.values()}
    names = list(dict.fromkeys([*program.paths(), *functions]))
    taken: dict[fx.Node, tuple[str, fx.Node]] = {}
    given: dict[fx.Node, list[str]] = defaultdict(list)
    for pattern in [layers] if isinstance(layers, str) else layers:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise ValueError(f"layers: no module matches {pattern!r}; there are {names}")
        taken |= {node: it for node, it in found.items() if base_of(it[0]) in matching}
        for path in set(matching) - functions:
            for call, node in program.outputs(path).items():
                if call.numbered(path) not in given[node]:
                    given[node].append(call.numbered(path))
    return taken, given


def _nothing(name: str, z: Tensor) -> None:
    """Record nothing."""

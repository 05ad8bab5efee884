"""Pre-activations of programs of torch.export: these have calls of operators, no modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, fx

from ..exported import Gathered, Piece, Program, Watch
from ..exported.activations import activations
from ..layer_names import base_of, may_match

Record = Callable[[str, Tensor], None]


def recording_exported(
    program: Program, layers: str | Sequence[str] | None, record: Record
) -> Callable[..., None]:
    """Return what runs a program, and hands its pre-activations to `record` as they come.

    Layers are the calls of activations, each named as `read_network` names it: by its module's
    path, ``block.act`` (``block.act#2`` the second time), or, for a function, by that and the path
    of the module that calls it, ``block.relu``. With `layers`, globs over these names and those of
    all modules that ran: of an activation its input, of any other module its output.

    What is returned takes a program's arguments, with any number of inputs: see `Program.forward`.

    Raises
    ------
    ValueError : no activations, or no matching layer, or an activation that has no code of one bit
        a unit.

    """
    watch = _Recording(*_chosen(program, layers))

    def run(*args: Any, **kwargs: Any) -> None:
        with program.watched(watch.into(record)):
            program(*args, **kwargs)

    return run


class _Recording(Watch):
    """Records what nodes take and what they give."""

    def __init__(
        self, taken: dict[fx.Node, tuple[str, fx.Node]], given: dict[fx.Node, list[str]]
    ) -> None:
        self._taken, self._given = taken, given
        self._record: Record = _nothing
        self._piece: Piece | None = None
        self._gathered = Gathered[str]()

    def into(self, record: Record) -> _Recording:
        """Return this, recording the next batch into something else."""
        self._record, self._piece = record, None
        self._gathered = Gathered()
        return self

    def begin(self, piece: Piece) -> None:
        self._piece = piece

    def before(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        if node in self._taken:
            name, operand = self._taken[node]
            self._pass(name, values[operand])

    def after(self, node: fx.Node, value: Any) -> None:
        for name in self._given.get(node, ()):
            self._pass(name, value)

    def end(self) -> None:
        for name, value in self._gathered.take().items():
            self._record(name, value)

    def _pass(self, name: str, value: Any) -> None:
        if self._piece is None:
            self._record(name, value)
        else:
            self._gathered.add(name, name, self._piece, value)


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
        matching = [name for name in names if may_match(name, pattern)]
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

"""Parts of exported programs: the modules that were, with their weights and their outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import fx, nn

from .pieces import Gathered, Piece
from .running import Watch

if TYPE_CHECKING:
    from .program import Program


class Part(nn.Module):
    """A module that was exported: it has its weights, and its outputs pass through it.

    Forward hooks see these. Its inputs are not known, so that pre-hooks are refused. `kind` is the
    name of the module's class.
    """

    kind = ""

    def forward(self, output: Any) -> Any:
        """Return what the module gave."""
        return output


def part_of(module: nn.Module, path: str) -> nn.Module:
    """Return a part by its path, made where there is none."""
    for name in path.split(".") if path else ():
        if name not in module._modules:
            module.add_module(name, Part())
        module = module.get_submodule(name)
    return module


def hooked(program: Program, watch: Watch) -> Watch:
    """Return what also passes outputs through those parts of a program that have hooks."""
    parts = {
        path: part
        for path, part in program.named_modules()
        if path and (part._forward_hooks or part._forward_pre_hooks)
    }
    return _Hooked(program, parts, watch) if parts else watch


class _Hooked(Watch):
    def __init__(self, program: Program, parts: Mapping[str, nn.Module], watch: Watch) -> None:
        self._watch = watch
        self._ends: dict[fx.Node, dict[str, nn.Module]] = defaultdict(dict)
        self._piece: Piece | None = None
        self._gathered = Gathered[tuple[fx.Node, str]]()
        for path, part in parts.items():
            if part._forward_pre_hooks:
                raise ValueError(
                    f"{path!r} has a pre-hook, but of an exported module the outputs alone are "
                    "known; wanted a forward hook"
                )
            for node in program.outputs(path).values():
                self._ends[node][path] = part

    def begin(self, piece: Piece) -> None:
        self._watch.begin(piece)
        self._piece = piece

    def before(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        self._watch.before(node, values)

    def after(self, node: fx.Node, value: Any) -> None:
        self._watch.after(node, value)
        for path, part in self._ends.get(node, {}).items():
            if self._piece is None:
                part(value)
            else:
                self._gathered.add((node, path), path, self._piece, value)

    def end(self) -> None:
        self._watch.end()
        for (node, path), value in self._gathered.take().items():
            self._ends[node][path](value)

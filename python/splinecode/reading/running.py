"""Running a module up to the tensor that is the network's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils import _pytree as pytree


class _StoppedError(Exception):
    """The module to stop at has run as often as wanted."""


@dataclass(frozen=True)
class Ending:
    """Which tensor is the output: a module's named `stop`, or the whole; `output` picks one."""

    stop: str | None
    output: str | int | None

    def run(
        self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], runs: int = 0
    ) -> tuple[Tensor, int]:
        """Return the output tensor, and how often the module `stop` ran.

        With `runs`, nothing runs after it ran so often.
        """
        if self.stop is None:
            return self._chosen(module(*args, **kwargs), "module"), 0
        outs: list[Any] = []

        def keep(part: nn.Module, arguments: Any, out: Any) -> None:
            outs.append(out)
            if len(outs) == runs:
                raise _StoppedError

        handle = self._part(module).register_forward_hook(keep)
        try:
            module(*args, **kwargs)
        except _StoppedError:
            pass
        finally:
            handle.remove()
        if not outs:
            raise ValueError(f"stop: the module {self.stop!r} does not run")
        return self._chosen(outs[-1], repr(self.stop)), len(outs)

    def _part(self, module: nn.Module) -> nn.Module:
        parts = dict(module.named_modules())
        if self.stop not in parts:
            raise ValueError(f"stop is {self.stop!r}; the modules are {list(parts)}")
        part: nn.Module = parts[self.stop]
        return part

    def _chosen(self, out: Any, name: str) -> Tensor:
        if self.output is not None:
            try:
                out = out[self.output]
            except (KeyError, IndexError, TypeError) as error:
                raise ValueError(
                    f"output is {self.output!r}, but {name} returns {_described(out)}"
                ) from error
        tensors = [leaf for leaf in pytree.tree_leaves(out) if isinstance(leaf, Tensor)]
        if len(tensors) != 1:
            raise ValueError(
                f"{name} returns {_described(out)}; wanted one tensor: choose it with output="
            )
        return tensors[0]


def _described(out: Any) -> str:
    if isinstance(out, Mapping):
        return f"a {type(out).__name__} with keys {list(out)}"
    if isinstance(out, (tuple, list)):
        return f"a {type(out).__name__} of {len(out)}"
    return f"a {type(out).__name__}"

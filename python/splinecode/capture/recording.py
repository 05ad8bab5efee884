"""Packing pre-activations as they pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ..arithmetic import concatenate
from ..arrays import dtype_name
from ..codes import Codes, Layer, pack
from ..layer_names import matches, matching
from ..store.rows import RowTable
from .activations import is_activation
from .chosen import Chosen


class Recorder:
    """Packs a batch's pre-activations as they pass, and hands out its codes.

    Of a module that runs several times, only the runs that the globs `layers` mean.
    """

    def __init__(self, threshold: float, layers: str | Sequence[str] | None) -> None:
        self._threshold = threshold
        self._globs = [layers] if isinstance(layers, str) else layers
        self._layers: tuple[Layer, ...] | None = None
        self.dtypes: dict[str, str] = {}

    def begin(self, chosen: Chosen) -> None:
        """Get ready for a batch whose rows are chosen by `chosen`."""
        self._chosen = chosen
        self._runs: Counter[str] = Counter()
        self._words: dict[str, Tensor] = {}
        self._bits: dict[str, int] = {}

    def record(self, name: str, z: Any) -> None:
        """Pack what a module takes or gives."""
        if not isinstance(z, Tensor):
            raise ValueError(
                f"{name!r} passes a {type(z).__name__}, not a tensor; name another "
                "module with layers="
            )
        self._runs[name] += 1
        key = name if self._runs[name] == 1 else f"{name}#{self._runs[name]}"
        if self._globs is not None and not any(matches(key, glob) for glob in self._globs):
            return
        units = self._chosen.units(name, z.detach())
        words = pack(units, self._threshold)
        self._words[key] = words.reshape(-1, words.shape[-1])
        self._bits[key] = int(units.shape[-1])
        before = self.dtypes.setdefault(key, dtype_name(units))
        if before != dtype_name(units):
            raise ValueError(f"{key!r} gave {before} in one batch, {dtype_name(units)} in another")

    def take(self) -> tuple[Codes, RowTable]:
        """Return the codes of the batch that just ran and where they came from; forget them."""
        layers = tuple(Layer(name, bits) for name, bits in self._bits.items())
        self._need_runs()
        if not layers:
            raise ValueError("none of the chosen layers ran in a forward pass; check layers=")
        if self._layers not in (None, layers):
            raise ValueError(
                f"a batch ran layers {layers}, another {self._layers}; wanted the "
                "same layers and shapes in all (positions= makes tokens or pixels rows)"
            )
        self._layers = layers
        codes = Codes._trusted(concatenate(list(self._words.values()), axis=1), layers)
        self._words, self._bits = {}, {}
        return codes, self._chosen.rows()

    def _need_runs(self) -> None:
        """Raise ValueError for a glob of runs that there were not."""
        _, idle = matching(list(self._bits), self._globs or [])
        for glob in idle:
            if "#" in glob:
                raise ValueError(
                    f"layers: no run matches {glob!r}; modules ran (times): {dict(self._runs)}"
                )


@contextmanager
def hooked(
    model: nn.Module, modules: dict[str, nn.Module], recorder: Recorder
) -> Iterator[Callable[..., Any]]:
    """Hook the modules for the length of a block, in which the model is to be run."""

    def before(name: str) -> Any:
        return lambda part, arguments, named: recorder.record(name, _first(arguments, named))

    def after(name: str) -> Any:
        return lambda part, arguments, output: recorder.record(name, output)

    handles = [
        part.register_forward_pre_hook(before(name), with_kwargs=True)
        if is_activation(part)
        else part.register_forward_hook(after(name))
        for name, part in modules.items()
    ]
    try:
        yield model
    finally:
        for handle in handles:
            handle.remove()


def _first(arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return what an activation is called with, be it by name."""
    return next(iter((*arguments, *named.values())), None)

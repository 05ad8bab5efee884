"""Where in a module an operation runs: the names of layers, and the places that errors name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import fx, nn
from torch.overrides import TorchFunctionMode

from ..exported import Call, Program, Watch, function_name, is_control_flow
from .errors import UnsupportedNetworkError


class Places(TorchFunctionMode):
    """Follows which module and which torch function are running.

    Layers are named after modules, ``act``, ``act#2``, ... where one runs several times, and those
    of functions as torch.fx names them, ``relu``, ``relu_1``, after the module that calls them.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._module = module
        self._paths = {part: path for path, part in module.named_modules()}
        self._calls: list[Call] = []
        self._runs: Counter[str] = Counter()
        self._counts: Counter[tuple[Call | None, str]] = Counter()
        self._function = ""
        self._named: str | None = None  # what the function now running is called

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note which function is called."""
        name = getattr(func, "__name__", "")
        if name not in ("__get__", "__set__"):
            self._function, self._named = name.split(".")[0].strip("_"), None
        return func(*args, **(kwargs or {}))

    def enter(self, part: nn.Module) -> None:
        """Note that a module begins to run."""
        path = self._paths.get(part, type(part).__name__)
        self._runs[path] += 1
        is_leaf = type(part).__module__.startswith("torch.nn.") and not any(part.children())
        self._calls.append(
            Call(path, self._runs[path], type(part).__name__, is_leaf and path != "")
        )

    def leave(self) -> None:
        """Note that the module entered last is done."""
        self._calls.pop()
        self._named = None

    def at(self, calls: Sequence[Call], function: str) -> None:
        """Note which modules are running, and that a function is called in the last of them."""
        self._calls, self._function, self._named = list(calls), function, None

    def name(self) -> str:
        """Return a name for what the function now running computes."""
        if self._named is None:
            self._named = self._new_name()
        return self._named

    def _new_name(self) -> str:
        call = self._calls[-1] if self._calls else None
        if call is not None and call.is_leaf:
            return call.numbered(call.path)
        count = self._counts[call, self._function]
        self._counts[call, self._function] += 1
        name = self._function if count == 0 else f"{self._function}_{count}"
        if call is None:
            return name
        return call.numbered(f"{call.path}.{name}" if call.path else name)

    def refuse(self, why: str) -> UnsupportedNetworkError:
        """Return an error that names what is running: "GELU at 'blocks.0.act' is not read: ..."."""
        return UnsupportedNetworkError(f"{self._what()} is not read: {why}")

    def _what(self) -> str:
        call = self._calls[-1] if self._calls else None
        kind = call.kind if call is not None and call.is_leaf else f"{self._function}()"
        return (
            f"{kind} at {call.path!r}" if call is not None and call.path else f"{kind} at the root"
        )

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the module's parts for the length of a block."""
        if isinstance(self._module, Program):
            with self._module.watched(_Follower(self, self._module)), self:
                yield
            return
        handles = []
        for part in self._paths:
            handles.append(part.register_forward_pre_hook(lambda part, args: self.enter(part)))
            handles.append(
                part.register_forward_hook(lambda part, args, out: self.leave(), always_call=True)
            )
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()


class _Follower(Watch):
    """Tells places of the operators of an exported program."""

    def __init__(self, places: Places, program: Program) -> None:
        self._places, self._program = places, program

    def before(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        """Note where the program is."""
        self._places.at(self._program.calls(node), function_name(node))
        if is_control_flow(node):
            raise self._places.refuse(
                "its way depends on data; wanted a forward that computes the same for every input"
            )

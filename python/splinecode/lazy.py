"""Names of a package that are loaded when they are first asked for, since they need torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def loading(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``.

    `places` gives the submodule that holds each name; a submodule holds itself. Where torch is
    missing the error says how to get it.
    """

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(f".{places[name]}", package)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ImportError(
                f"{package}.{name} needs torch: pip install 'splinecode[torch]'"
            ) from error
        is_module = places[name].rpartition(".")[2] == name
        return module if is_module else getattr(module, name)

    return load

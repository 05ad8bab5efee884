"""The operations that are read, by the names of torch's aten operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R", bound=Callable[..., Any])

Operand = Any
"""A number, a tensor or a traced tensor."""

READERS: dict[str, Callable[..., Any]] = {}
"""Called with the graph and an operator's arguments in the order of its schema.

A reader returns the cells of the result, or a tuple for several, None where one is not read. Its
operands are traced tensors, tensors or numbers.
"""


def reads(*names: str) -> Callable[[R], R]:
    """Enter a reader under operators' names: "mean", or "mean.dim" for one overload."""

    def enter(reader: R) -> R:
        READERS.update(dict.fromkeys(names, reader))
        return reader

    return enter

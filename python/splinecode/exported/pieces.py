"""Batches of any size for programs that were exported for a fixed one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

Key = TypeVar("Key")


@dataclass(frozen=True)
class Piece:
    """As many inputs of a batch as a program takes: `kept` of them, then the last one repeated."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    rows: int
    kept: int

    def has(self, value: Any) -> bool:
        """Tell whether a value is a tensor with a row an input."""
        return isinstance(value, Tensor) and value.shape[:1] == (self.rows,)


def pieces(
    args: Sequence[Any], kwargs: Mapping[str, Any], inputs: int, rows: int
) -> Iterator[Piece]:
    """Cut arguments for so many inputs into pieces of `rows`; what has no row an input stays."""
    for start in range(0, inputs, rows):
        places = torch.arange(start, start + rows).clamp(max=inputs - 1)
        some, named = pytree.tree_map_only(
            Tensor, partial(_taken, places, inputs), (tuple(args), dict(kwargs))
        )
        yield Piece(some, named, rows, min(rows, inputs - start))


def _taken(places: Tensor, inputs: int, x: Tensor) -> Tensor:
    return x[places.to(x.device)] if x.shape[:1] == (inputs,) else x


def joined(outputs: Sequence[tuple[Piece, Any]]) -> Any:
    """Return what a program puts out for a batch, of what it put out for each piece.

    None stands for a tensor without a row an input: it has no one value for the batch.
    """
    cut = [piece for piece, _ in outputs]

    def join(*values: Any) -> Any:
        if not isinstance(values[0], Tensor):
            return values[0]
        if not all(piece.has(value) for piece, value in zip(cut, values, strict=True)):
            return None
        return torch.cat([v[: piece.kept] for piece, v in zip(cut, values, strict=True)])

    return pytree.tree_map(join, *(out for _, out in outputs))


class Gathered(Generic[Key]):
    """Values that pass while the pieces of a batch run, put together."""

    def __init__(self) -> None:
        self._parts: dict[Key, list[tuple[Piece, Any]]] = {}

    def add(self, key: Key, name: str, piece: Piece, value: Any) -> None:
        """Keep a copy, which what runs next cannot write over.

        Raises ValueError for a tensor without a row an input.
        """

        def own(x: Tensor) -> Tensor:
            if not piece.has(x):
                raise ValueError(
                    f"{name!r} passes {len(x) if x.ndim else 'no'} rows for {piece.rows} inputs; "
                    "its first axis must be the batch"
                )
            return x.clone()

        self._parts.setdefault(key, []).append((piece, pytree.tree_map_only(Tensor, own, value)))

    def take(self) -> dict[Key, Any]:
        """Return the values for the whole batch by key, in the order they came; forget them."""
        parts, self._parts = self._parts, {}
        return {key: joined(values) for key, values in parts.items()}

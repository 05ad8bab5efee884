"""What a batch's layers give to the rows of codes: everything, or chosen positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..store.rows import RowTable, row_table
from .batches import Batch

Mask = np.ndarray[Any, Any]
Space = tuple[int, ...]


class Chosen(ABC):
    """Chooses from one batch, of which input number `first` is the first."""

    def __init__(self, first: int, batch: Batch, units_axis: int | None) -> None:
        self._first, self._size, self._axis = first, batch.size, units_axis
        self._tokens, self._length = batch.tokens(), batch.length

    def units(self, name: str, z: Tensor) -> Tensor:
        """Return what a layer gives (..., units); all but the last axis are rows, in C order.

        Raises ValueError where a layer has not the rows of the ones before.
        """
        if z.ndim == 2 and self._size != len(z) == self._size * (self._length or 0):
            z = z.reshape(self._size, self._length or 0, -1)  # OPT's MLP takes tokens as inputs
        if z.ndim == 0 or len(z) != self._size:
            rows = len(z) if z.ndim else "no"
            raise ValueError(
                f"{name!r} passes {rows} rows for {self._size} inputs; its "
                "first axis must be the batch"
            )
        return self._units(name, z)

    @abstractmethod
    def _units(self, name: str, z: Tensor) -> Tensor: ...

    def rows(self) -> RowTable:
        """Return where the rows came from, when all layers have been seen."""
        return row_table(np.arange(self._first, self._first + self._size))

    def _units_last(self, z: Tensor) -> Tensor:
        """Return z as (inputs, positions..., units)."""
        if z.ndim < 3:
            return z.reshape(self._size, -1)
        return z.movedim(self._axis or (2 if z.ndim == 3 else 1), -1)

    def _tokens_of(self, name: str, space: Space) -> Mask | None:
        """Return where a layer has tokens and no padding, None if there is none."""
        if self._tokens is not None and self._tokens.shape[1:] != space:
            raise ValueError(
                f"{name!r} has positions {space}, attention_mask {self._tokens.shape[1:]}; wanted "
                "layers of a position a token, since there is padding"
            )
        return self._tokens


class Whole(Chosen):
    """All units at all positions, flat in C order: a row an input."""

    def _units(self, name: str, z: Tensor) -> Tensor:
        if self._tokens is not None:
            raise ValueError(
                "a batch holds padding, whose units would be part of the codes; choose tokens with "
                "positions=, such as 'all' or 'last'"
            )
        return z.reshape(self._size, -1)


class Pooled(Chosen):
    """The largest of each unit over all positions: a row an input."""

    def _units(self, name: str, z: Tensor) -> Tensor:
        z = self._units_last(z)
        if z.ndim == 2:
            return z
        tokens = self._tokens_of(name, tuple(z.shape[1:-1]))
        if tokens is not None:
            _need_tokens(tokens, self._first, 1)
            padding = torch.from_numpy(~tokens).to(z.device)[..., None]
            z = z.masked_fill(padding, False if z.dtype == torch.bool else -torch.inf)
        return z.flatten(1, -2).amax(1)


class One(Chosen):
    """One position: a row an input. Layers without positions give all of their units."""

    def __init__(self, place: tuple[int, ...], *of_batch: Any) -> None:
        super().__init__(*of_batch)
        self._place = place
        self._positions: list[Mask] = []

    def _units(self, name: str, z: Tensor) -> Tensor:
        z = self._units_last(z)
        if z.ndim == 2:
            return z
        space = tuple(z.shape[1:-1])
        if len(self._place) != len(space):
            raise ValueError(
                f"positions is {self._place}, but {name!r} has positions {space}; wanted an index "
                "for each of their axes"
            )
        tokens = self._tokens_of(name, space)
        if tokens is not None:
            chosen = _nth_token(tokens, self._place[0], self._first)
            self._positions.append(tokens.cumsum(1)[np.arange(self._size), chosen] - 1)
            return z[torch.arange(self._size), torch.from_numpy(chosen)]
        for step, extent in zip(self._place, space, strict=True):
            if not -extent <= step < extent:
                raise ValueError(f"positions is {self._place}, but {name!r} has positions {space}")
        place = tuple(step % extent for step, extent in zip(self._place, space, strict=True))
        flat = np.ravel_multi_index(place, space)
        self._positions.append(np.full(self._size, flat))
        for step in place:
            z = z[:, step]
        return z

    def rows(self) -> RowTable:
        """Return the inputs, and the position where it is the same in all layers that have any."""
        table = super().rows()
        first = self._positions[0] if self._positions else np.full(self._size, -1)
        agreed = np.all([positions == first for positions in self._positions], axis=0)
        table["position"] = np.where(agreed, first, -1)
        return table


class Many(Chosen):
    """Some positions, each a row: all, a slice of an input's tokens, or those of a mask."""

    def __init__(self, wanted: str | slice | Mask, *of_batch: Any) -> None:
        super().__init__(*of_batch)
        self._wanted = wanted
        self._from = ""
        self._space: Space | None = None
        self._kept: Mask = np.zeros(0, bool)
        self._places: dict[torch.device, tuple[Tensor, ...]] = {}

    def _units(self, name: str, z: Tensor) -> Tensor:
        z = self._units_last(z)
        space = tuple(z.shape[1:-1])
        if not space:
            raise ValueError(
                f"{name!r} has no positions, so that a row a position cannot be had from it; leave "
                "it out with layers=, or choose one position an input"
            )
        if self._space is None:
            self._kept = self._keep(name, space)
            self._from, self._space = name, space
        if space != self._space:
            raise ValueError(
                f"{name!r} has positions {space} and {self._from!r} {self._space}: a row a "
                "position wants the same in all layers; name fewer with layers=, or choose one "
                "position"
            )
        if self._kept.all():
            return z
        if z.device not in self._places:
            places = (torch.from_numpy(index) for index in np.nonzero(self._kept))
            self._places[z.device] = tuple(index.to(z.device) for index in places)
        return z[self._places[z.device]]

    def rows(self) -> RowTable:
        """Return input and position of each row, in that order."""
        kept = self._kept.reshape(self._size, -1)
        inputs, positions = np.nonzero(kept)
        if self._tokens is not None:
            positions = self._tokens.cumsum(1)[inputs, positions] - 1
        return row_table(inputs + self._first, positions)

    def _keep(self, name: str, space: Space) -> Mask:
        """Return which positions are rows, bool (inputs, positions...)."""
        tokens = self._tokens_of(name, space)
        real = np.ones((self._size, *space), bool) if tokens is None else tokens
        if isinstance(self._wanted, slice):
            return self._sliced(name, real, self._wanted)
        if isinstance(self._wanted, str):
            return real
        return real & self._masked(name, space, self._wanted)

    def _sliced(self, name: str, real: Mask, wanted: slice) -> Mask:
        if real.ndim != 2:
            raise ValueError(
                f"positions is {wanted}, but {name!r} has positions {real.shape[1:]}; a "
                "slice is for tokens, for images give a mask"
            )
        kept = np.zeros_like(real)
        for row, there in zip(kept, real, strict=True):
            row[np.flatnonzero(there)[wanted]] = True
        return kept

    def _masked(self, name: str, space: Space, mask: Mask) -> Mask:
        if mask.shape == space:
            return mask
        own = mask[self._first : self._first + self._size]
        if mask.shape[1:] != space or len(own) != self._size:
            last = self._first + self._size - 1
            raise ValueError(
                f"positions is a mask of {mask.shape}, but {name!r} has positions {space} in each "
                f"of inputs {self._first} to {last}; wanted {space}, or that for every input"
            )
        return own


def _nth_token(tokens: Mask, n: int, first: int) -> Mask:
    """Return where each row's n-th token is, from the end if n is negative."""
    _need_tokens(tokens, first, n + 1 if n >= 0 else -n)
    in_front = np.argsort(~tokens, axis=1, kind="stable")
    counts = tokens.sum(1)
    nth: Mask = in_front[np.arange(len(tokens)), n if n >= 0 else counts + n]
    return nth


def _need_tokens(tokens: Mask, first: int, least: int) -> None:
    counts = tokens.sum(1)
    if (counts < least).any():
        short = int(np.argmax(counts < least))
        raise ValueError(
            f"input {first + short} has {counts[short]} tokens that are no padding; wanted at "
            f"least {least}, for its row"
        )

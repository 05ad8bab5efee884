"""The compiled kernels on one stream, and what torch lacks beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...arrays import current_stream
from ...kernels import cuda


class Kernels:
    """The functions of ``_core.cuda`` on the current stream of an array's device."""

    def __init__(self, near: Tensor) -> None:
        self._functions = cuda()
        self._stream = current_stream(near)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return partial(self._call, getattr(self._functions, name))

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        function(*arguments, self._stream)


def prefix(counts: Tensor) -> Tensor:
    """Return int64 sums before each count, and of all."""
    sums = counts.new_zeros(len(counts) + 1, dtype=torch.int64)
    torch.cumsum(counts, 0, out=sums[1:])
    return sums


def sorted_by(*keys: Tensor) -> Tensor:
    """Return the stable order by several keys, the most important first."""
    order = torch.argsort(keys[-1], stable=True)
    for key in keys[-2::-1]:
        order = order[torch.argsort(key[order], stable=True)]
    return order


def places_of(mask: Tensor, count: int) -> Tensor:
    """Return where a mask is set, `count` times as is known: nothing is read from the device."""
    place = torch.cumsum(mask, 0) - 1
    places = mask.new_empty(count + 1, dtype=torch.int64)
    places.scatter_(0, torch.where(mask, place, count), arange(mask, len(mask)))
    return places[:count]


def runs(counts: Tensor, total: int) -> Tensor:
    """Return the number of each run, int64, as often as the run is long; `total` in all."""
    numbers = arange(counts, len(counts))
    return torch.repeat_interleave(numbers, counts, output_size=total)


def repeated(values: Tensor, times: int) -> Tensor:
    """Return each value several times, one after the other."""
    return values[:, None].expand(-1, times).contiguous().flatten()


def changes(*keys: Tensor) -> Tensor:
    """Return where one of the keys differs from the entry before; True at the first."""
    changed = torch.ones_like(keys[0], dtype=torch.bool)
    changed[1:] = torch.stack([key[1:] != key[:-1] for key in keys]).any(0)
    return changed


def read(*numbers: Tensor) -> list[int]:
    """Read sizes from the device, all at once."""
    values: list[int] = torch.stack([number.to(torch.int64) for number in numbers]).tolist()
    return values


def arange(like: Tensor, stop: int) -> Tensor:
    """Return 0, ..., stop - 1 beside a tensor."""
    return torch.arange(stop, device=like.device)

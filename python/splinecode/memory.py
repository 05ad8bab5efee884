"""Room for results, asked for before the work starts: it fails at once and with a reason."""

from __future__ import annotations

import math

import numpy as np

from . import _core
from .arrays import Array, on_cuda

_MOST_BYTES = 2**63 - 1


def need_room(shape: tuple[int, ...], bytes_each: int, what: str, near: Array = None) -> None:
    """Raise MemoryError unless an array of this shape can be had.

    `what` begins the message, such as "distances of 9 x 9 codes". Nothing is asked for an array
    beside `near` on a GPU: `empty` tells when that is full.
    """
    if near is not None and on_cuda(near):
        return
    _core.need_memory(min(math.prod(shape) * bytes_each, _MOST_BYTES), what)


def item_bytes(dtype: str) -> int:
    """Return the bytes of an item of a dtype given by its plain name."""
    return np.dtype(dtype).itemsize

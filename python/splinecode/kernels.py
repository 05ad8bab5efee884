"""The compiled functions, called where their arrays live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

import numpy as np

from . import _core
from .arrays import Array, current_stream, empty, lent, on_cuda, on_device_of

Ts = TypeVarTuple("Ts")
R = TypeVar("R")


def run(function: Callable[[Unpack[Ts]], R], near: Array, *args: *Ts) -> R:
    """Call a function of `_core` on the CPU, or the one of its name on the GPU of `near`.

    There the work is queued on the current stream. The CUDA functions take the arguments of those
    of `_core` and check that all arrays are on one device.
    """
    if isinstance(near, np.ndarray):
        return function(*args)
    if not on_cuda(near):
        return function(*map(lent, args))
    on_gpu: Callable[..., R] = getattr(cuda(), function.__name__)
    with on_device_of(near):
        return on_gpu(*args, current_stream(near))


def need_cuda_build() -> None:
    """Raise RuntimeError if this build of splinecode has no CUDA kernels."""
    if not _core.cuda_built:
        raise RuntimeError(
            "a GPU is asked for but this build of splinecode has no CUDA kernels: install it "
            "where nvcc is found (or with SPLINECODE_CUDA=ON), or move arrays to the CPU"
        )


def cuda() -> _core._Cuda:
    """Return the CUDA functions; RuntimeError if there are none."""
    need_cuda_build()
    return _core.cuda


def workspace(near: Array, size: int) -> Array:
    """Allocate device memory of at least `size` bytes for a kernel's own use."""
    return empty(near, (-(-size // 8),), "int64", "workspace")

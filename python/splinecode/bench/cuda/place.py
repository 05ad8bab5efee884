"""Where the cases of a GPU run, and how much fits there."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from ... import _core
from ...runtime import cuda_status
from ..timing import Stopwatch
from .events import device_seconds

T = TypeVar("T")

_MOST_SHARE = 0.7
"""Of the free memory, for a case: its answers and torch's scratch come on top."""


@dataclass(frozen=True)
class Place:
    """A device of torch's, how to time on it, and the memory that a case may take there."""

    device: torch.device
    stopwatch: Stopwatch
    bytes: int

    def fitting(self, rows: int, bytes_per_row: float) -> int:
        """Return `rows`, or fewer if they do not fit: halved until they do."""
        while rows > 1 and rows * bytes_per_row > self.bytes:
            rows //= 2
        return rows

    def peak(self, call: Callable[[], T]) -> tuple[T, int | None]:
        """Call once; return the answer and the most bytes that torch had allocated meanwhile.

        All that was allocated before counts. None where torch has no CUDA device.
        """
        if not torch.cuda.is_initialized():
            return call(), None
        gc.collect()
        torch.cuda.reset_peak_memory_stats(self.device)
        answer = call()
        return answer, torch.cuda.max_memory_allocated(self.device)


def find() -> Place | str:
    """Return the current CUDA device, or why none can be measured."""
    if not _core.cuda_built or _core.cuda.device_count() == 0:
        return f"no CUDA device: {cuda_status()}"
    if _core.cuda_emulated:
        return "no CUDA device: this build emulates one, which tells nothing about speed"
    if not torch.cuda.is_available():
        return f"no CUDA device: torch {torch.__version__} finds none"
    free, _ = torch.cuda.mem_get_info()
    device = torch.device("cuda", torch.cuda.current_device())
    return Place(device, device_seconds, int(_MOST_SHARE * free))

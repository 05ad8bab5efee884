"""Timing by the device's own clock: events before and after the calls, on the current stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, TypeVar

import torch

from ..timing import Call

T = TypeVar("T")


def device_seconds(call: Call, repeats: int) -> float:
    """Mean seconds of a call, what the host does between its kernels included.

    Calls that run on the host are timed as well: the second event waits for them.
    """
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    begin.record()
    for _ in range(repeats):
        call()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3 / repeats


def rotating(call: Callable[[T], Any], inputs: Sequence[T]) -> Call:
    """Return a call that takes the next input each time, so that no cache holds it.

    The first call takes the first input.
    """
    turns = cycle(inputs)
    return lambda: call(next(turns))

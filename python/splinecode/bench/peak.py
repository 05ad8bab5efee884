"""Peak memory of a call: how far this process's resident memory rises above where it stood."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

import torch

from .timing import Call

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def peak_bytes(call: Call) -> int | None:
    """Call once and return the peak, result included; None where only Linux's /proc tells."""
    gc.collect()
    _return_free_memory()
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        before = _resident_peak()
        call()
        return _resident_peak() - before
    except OSError:
        return None


def peak_of(call: Call) -> dict[str, int]:
    """Return the peak of a call that has run before, for a case's sizes; nothing if not known."""
    with torch.inference_mode():
        call()  # what torch keeps from the first call on is not the call's
        peak = peak_bytes(call)
    return {} if peak is None else {"peak_bytes": peak}


def in_words(memory: dict[str, int]) -> str:
    """Write what `peak_of` found, to go on a sentence."""
    peak = memory.get("peak_bytes")
    return "" if peak is None else f", {peak / 2**20:,.0f} MiB at peak"


def _resident_peak() -> int:
    lines = _STATUS.read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _return_free_memory() -> None:
    """Hand freed memory back to the system (glibc): a call that reused it would hide its use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)

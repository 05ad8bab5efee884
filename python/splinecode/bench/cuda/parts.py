"""What a call's time on the card goes to, as torch's profiler sees its kernels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import perf_counter

import torch
from torch.profiler import ProfilerActivity, profile

from ..timing import Call

_KINDS = (
    ("ours", re.compile("splinecode")),
    ("products", re.compile(r"gemm|gemv|cutlass|xmma|split_?k", re.IGNORECASE)),
    ("copies", re.compile("^Mem(cpy|set)")),
)
"""By the names of kernels; the first that fits. cub's kernels in ours are named after ours."""


def parts(call: Call) -> dict[str, float]:
    """Call once and return the share of its time of each kind of kernels, and of none: "idle".

    The profiler makes what the host does between kernels somewhat slower.
    """
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        begin = perf_counter()
        call()
        torch.cuda.synchronize()
        seconds = perf_counter() - begin
    on_device = [
        (event.key, event.self_device_time_total / 1e6)
        for event in profiled.key_averages()
        if event.device_type.name == "CUDA"
    ]
    return shares(on_device, seconds)


def shares(kernels: Iterable[tuple[str, float]], seconds: float) -> dict[str, float]:
    """Return what share of so many seconds kernels (name, seconds) of each kind took."""
    spent = dict.fromkeys(("products", "ours", "torch", "copies"), 0.0)
    for name, own_seconds in kernels:
        spent[kind_of(name)] += own_seconds
    taken = {kind: own / seconds for kind, own in spent.items()}
    return {**taken, "idle": max(0.0, 1 - sum(taken.values()))}


def kind_of(name: str) -> str:
    """Return what a kernel is: matrix products, our kernels, copies, or others of torch's."""
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), "torch")


def text(of: dict[str, float]) -> str:
    """Write shares in short."""
    return "  ".join(f"{kind} {share:.1%}" for kind, share in of.items())

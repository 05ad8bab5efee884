"""Threads, instruction sets and devices: what the kernels use, and how to choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core
from .kernels import cuda


def get_threads() -> int:
    """Return the threads that the kernels use.

    `SPLINECODE_NUM_THREADS` sets the default, which else is the processors of this process.
    """
    return _core.threads()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use `n` threads inside a ``with`` block. Process-wide; results never depend on it.

    Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; wanted at least 1 thread")
    before = _core.threads()
    _core.set_threads(n)
    try:
        yield
    finally:
        _core.set_threads(before)


@contextmanager
def simd(level: str) -> Iterator[None]:
    """Use the kernels of one instruction-set level inside a ``with`` block. Process-wide.

    `SPLINECODE_SIMD` sets the default, which else is the widest level available. Results never
    depend on it: this is for tests and measurements.

    Raises ValueError for a level that this processor or build does not offer.
    """
    before = _core.simd()
    _core.set_simd(level)
    try:
        yield
    finally:
        _core.set_simd(before)


@contextmanager
def cuda_route(name: str) -> Iterator[None]:
    """Compute distances on GPUs in one way inside a ``with`` block. Process-wide.

    `SPLINECODE_CUDA_ROUTE` sets the default, which else is "auto": what is fastest for the sizes.
    Results never depend on it: this is for tests and measurements.

    Raises ValueError for an unknown way (one that a device lacks is refused where it is used) and
    RuntimeError if the build has no CUDA kernels.
    """
    before = cuda().route()
    cuda().set_route(name)
    try:
        yield
    finally:
        cuda().set_route(before)


def cuda_status() -> str:
    """Say in a line which CUDA devices can be used, or why none can."""
    if not _core.cuda_built:
        return "not built: nvcc was not found or SPLINECODE_CUDA=OFF when splinecode was installed"
    return "built; " + _core.cuda.status()


def info() -> str:
    """Return what `python -m splinecode info` prints: version, instruction sets, threads, CUDA."""
    rows = {
        "version": _core.__version__,
        "simd available": ", ".join(_core.available_simd()),
        "simd used": _core.simd(),
        "threads": str(_core.threads()),
        "cuda": cuda_status(),
    }
    if _core.cuda_built:
        rows["cuda routes"] = ", ".join(_core.cuda.routes()) or "none"
        rows["cuda route used"] = _core.cuda.route()
    return "\n".join(f"{name:<16}{value}" for name, value in rows.items())

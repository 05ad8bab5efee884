"""Spline codes, Hamming neighbours and exact boundary crossings of piecewise-linear networks.

Importing this package imports numpy alone; `spline_codes`, `read_network` and `crossings` load
torch on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import __version__
from .codes import Codes, Layer, UniqueCodes, pack, unpack
from .hamming import hamming, hamming_matrix
from .neighbors import HammingNeighbors
from .runtime import get_threads, info, simd, threads

if TYPE_CHECKING:
    from .capture import spline_codes
    from .network import Network
    from .reading import UnsupportedNetworkError, read_network
    from .segments import Crossings, crossings

_NEED_TORCH = {
    "spline_codes": "capture",
    "Network": "network",
    "UnsupportedNetworkError": "reading",
    "read_network": "reading",
    "Crossings": "segments",
    "crossings": "segments",
}

__all__ = [
    "Codes",
    "Crossings",
    "HammingNeighbors",
    "Layer",
    "Network",
    "UniqueCodes",
    "UnsupportedNetworkError",
    "__version__",
    "crossings",
    "get_threads",
    "hamming",
    "hamming_matrix",
    "info",
    "pack",
    "read_network",
    "simd",
    "spline_codes",
    "threads",
    "unpack",
]


def __getattr__(name: str) -> Any:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module 'splinecode' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - keeps it out of the namespace

    try:
        module = import_module(f".{_NEED_TORCH[name]}", __name__)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(
            f"splinecode.{name} needs torch: pip install 'splinecode[torch]'"
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__

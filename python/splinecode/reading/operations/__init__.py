"""The operations that are read, a file for each family."""

from . import arithmetic, axes, convolution, kinks, pooling, products, reductions
from .table import READERS

__all__ = [
    "READERS",
    "arithmetic",
    "axes",
    "convolution",
    "kinks",
    "pooling",
    "products",
    "reductions",
]

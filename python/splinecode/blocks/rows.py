"""Arrays at the door: rows of a residual stream and parameters, as numpy and exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_numpy, dtype_name, library_of

Matrix = np.ndarray[Any, Any]

LARGEST = 2.0**250
"""Of ends and weights: products of four of them stay within float64."""


def floats(array: Array, name: str) -> Matrix:
    """Return a floating host array as numpy float32 or float64, without rounding.

    Raises TypeError for another dtype, ValueError for NaN, inf, sizes above `LARGEST`, or a GPU.
    """
    library_of(array, name)
    if dtype_name(array) in ("float16", "bfloat16"):
        array = array.astype(np.float32) if isinstance(array, np.ndarray) else array.float()
    if dtype_name(array) not in ("float32", "float64"):
        raise TypeError(
            f"{name} has dtype {dtype_name(array)}; wanted float64, float32, float16 or bfloat16"
        )
    values = as_numpy(array, name)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or inf; wanted finite numbers")
    if values.size and max(float(values.max()), -float(values.min())) > LARGEST:
        raise ValueError(
            f"{name} holds numbers above {LARGEST:.0e}, whose products overflow float64; "
            "scale it down"
        )
    return values


def parameter(array: Array, name: str, axes: int) -> Matrix:
    """Copy a parameter of `axes` axes, so that later changes of a module do not reach it."""
    values = floats(array, name)
    if values.ndim != axes:
        raise ValueError(f"{name} has shape {values.shape}; wanted {axes} axes")
    return np.array(values)


def as_rows(x: Array, width: int, name: str) -> Matrix:
    """Return x (n, width) as float64 rows, exactly."""
    shape = tuple(getattr(x, "shape", ()))
    if len(shape) != 2 or shape[1] != width:
        library_of(x, name)
        raise ValueError(
            f"{name} has shape {shape}; wanted (n, {width}), rows of the residual stream"
        )
    return floats(x, name).astype(np.float64)

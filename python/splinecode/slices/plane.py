"""A window of the plane through three points of input space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ..arrays import Array, as_numpy, dtype_name, need_on_cpu

Floats = np.ndarray[Any, np.dtype[np.float64]]
Extent = tuple[float, float, float, float]

_LEAST_SINE = 1e-7
"""Three points nearer to a line than this give no plane: rounding would choose it."""


@dataclass(frozen=True)
class Plane:
    """The points x(u, v) = origin + u * first + v * second with (u, v) in a window.

    Attributes
    ----------
    origin, first, second : float64 (*input_shape)
    extent : (u_min, u_max, v_min, v_max)

    """

    origin: Floats
    first: Floats
    second: Floats
    extent: Extent

    @property
    def unit_area(self) -> float:
        """The area, in units of the input's, of a square of side 1 in (u, v)."""
        a, b = self.first.ravel(), self.second.ravel()
        across = b - a * ((a @ b) / (a @ a))
        return float(np.linalg.norm(a) * np.linalg.norm(across))

    @property
    def corners(self) -> Floats:
        """The corners of the window as (u, v), counter-clockwise: (4, 2)."""
        u_min, u_max, v_min, v_max = self.extent
        return np.array([[u_min, v_min], [u_max, v_min], [u_max, v_max], [u_min, v_max]])

    @property
    def window_area(self) -> float:
        """The area of the window, in units of the input's."""
        u_min, u_max, v_min, v_max = self.extent
        return (u_max - u_min) * (v_max - v_min) * self.unit_area

    def points(self, uv: Floats) -> Floats:
        """Return the inputs at points (n, 2): (n, *input_shape)."""
        u, v = (uv[:, i].reshape(-1, *[1] * self.origin.ndim) for i in (0, 1))
        found: Floats = self.origin + u * self.first + v * self.second
        return found


def plane_through(p0: Array, p1: Array, p2: Array, extent: Sequence[float]) -> Plane:
    """Return the window of the plane through three points of one shape.

    Raises TypeError for what is no floating array, ValueError for points of other shapes, on a GPU,
    with NaN or inf, or on a line, and for an extent that is no window.
    """
    points = []
    for name, point in (("p0", p0), ("p1", p1), ("p2", p2)):
        need_on_cpu(point, name, "slices are cut in float64 on the CPU")
        if not dtype_name(point).startswith(("float", "bfloat")):
            raise TypeError(f"{name} has dtype {dtype_name(point)}; wanted a floating dtype")
        # numpy has no bfloat16
        values = as_numpy(point.double() if isinstance(point, Tensor) else point, name)
        points.append(values.astype(np.float64))
        if points[-1].shape != points[0].shape:
            raise ValueError(
                f"{name} has shape {values.shape} and p0 {points[0].shape}; wanted three inputs "
                "without a batch axis"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or inf; wanted finite numbers")
    plane = Plane(points[0], points[1] - points[0], points[2] - points[0], _window(extent))
    lengths = float(np.linalg.norm(plane.first)) * float(np.linalg.norm(plane.second))
    if not (lengths > 0 and plane.unit_area > _LEAST_SINE * lengths):
        raise ValueError("p0, p1 and p2 lie on a line; wanted three points of one plane")
    return plane


def _window(extent: Sequence[float]) -> Extent:
    values = tuple(float(end) for end in extent)
    if len(values) != 4 or not all(map(math.isfinite, values)):
        raise ValueError(f"extent is {extent}; wanted four numbers: u_min, u_max, v_min, v_max")
    u_min, u_max, v_min, v_max = values
    if not (u_min < u_max and v_min < v_max):
        raise ValueError(f"extent is {extent}; wanted u_min < u_max and v_min < v_max")
    return u_min, u_max, v_min, v_max

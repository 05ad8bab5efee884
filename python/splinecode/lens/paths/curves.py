"""Points on curves through input or activation space: what a path analysis walks along.

Every function takes a batch of curves, numpy, torch or cupy, and returns their points in the same
library, dtype and place: (curves, n, *shape). Points are computed in float64 and rounded once, and
the ends of a curve are the points given, bit for bit. A vector is everything after the first axis.
Points that the dtype cannot hold raise ValueError.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...arithmetic import contiguous
from ...arrays import (
    Array,
    as_torch,
    device_of,
    dtype_name,
    from_torch,
    library_of,
    need_same_place,
    torch_beside,
)
from . import arcs


def linear(a: Array, b: Array, n: int) -> Array:
    """Return n evenly spaced points on each segment from a_i to b_i.

    Parameters
    ----------
    a, b : floating arrays (curves, *shape)
    n : int, at least 2

    Returns
    -------
    points : (curves, n, *shape), of a's library, dtype and place

    Raises
    ------
    TypeError : a or b is no floating array.
    ValueError : shapes or places differ, there is no axis of curves, NaN or inf, n below 2.

    """
    return _curve([a, b], "ab", n, lambda ends, t: torch.lerp(ends[0], ends[1], t))


def slerp(a: Array, b: Array, n: int) -> Array:
    """Return n points from a_i to b_i by spherical linear interpolation.

    ``sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b``, with w the angle between a and b (Shoemake,
    SIGGRAPH 1985). Between vectors of one norm that is their great circle at constant speed; where
    norms differ the curve lies on an ellipse: see `slerp_norm`.

    Parameters, results and errors are those of `linear`; ValueError also for a vector that is zero,
    and for antipodal ones (w = pi), between which there are many great circles. Parallel vectors
    are joined by their segment.
    """
    return _curve([a, b], "ab", n, _slerp)


def slerp_norm(a: Array, b: Array, n: int) -> Array:
    """Return n points from a_i to b_i: direction by `slerp`, norm by linear interpolation.

    Activations of a language model live in a shell of nearly one norm: this keeps to it, where a
    segment passes through its inside. Parameters, results and errors are those of `slerp`.
    """
    return _curve([a, b], "ab", n, _slerp_norm)


def scale(x: Array, n: int, *, low: float = 0.0, high: float = 2.0) -> Array:
    """Return n points alpha x_i, alpha evenly spaced from `low` to `high`.

    Parameters
    ----------
    x : floating array (curves, *shape)
    n : int, at least 2
    low, high : finite numbers, low < high

    Returns
    -------
    points : (curves, n, *shape), of x's library, dtype and place

    Raises what `linear` raises, and ValueError for low and high that are no such range.

    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low and high are {low} and {high}; wanted finite numbers, low < high")

    def points(ends: Sequence[Tensor], t: Tensor) -> Tensor:
        return ends[0] * torch.lerp(t.new_tensor(low), t.new_tensor(high), t)

    return _curve([x], "x", n, points, keep_ends=False)


def circle(
    x: Array, n: int, *, radius: float, plane: tuple[Array, Array] | None = None, seed: int = 0
) -> Array:
    """Return n points on a circle around each x_i, the last one being the first again.

    Parameters
    ----------
    x : floating array (curves, *shape)
        The centres.
    n : int, at least 4
        n - 1 even steps.
    radius : positive number
    plane : two floating arrays (*shape), optional
        They span the plane, and need not be orthogonal or of length 1: the circle starts towards
        the first and turns towards the second. None: a plane drawn with `seed`, uniform among all
        and the same for every x_i.
    seed : int

    Returns
    -------
    points : (curves, n, *shape), of x's library, dtype and place

    Raises
    ------
    TypeError : x or plane is not floating.
    ValueError : a shape, place or number that does not fit; a plane of parallel or zero vectors; a
        space of one dimension.

    """
    if not (math.isfinite(radius) and radius > 0):
        raise ValueError(f"radius is {radius}; wanted a positive number")
    first, second = _plane_of(x, plane, seed)

    def points(ends: Sequence[Tensor], t: Tensor) -> Tensor:
        angle = 2 * math.pi * t
        u, v = (axis.to(t.device) for axis in (first, second))
        return ends[0] + radius * (angle.cos() * u + angle.sin() * v)

    return _curve([x], "x", n, points, least=4, closed=True, keep_ends=False)


def circle_through(a: Array, b: Array, c: Array, n: int) -> Array:
    """Return n points on the circle through a_i, b_i and c_i, the last one being the first again.

    From a_i on, in even steps of angle, past b_i before c_i. Closed curves through data are what
    transitions are counted on in Novak et al., arXiv:1802.08760.

    Parameters and results are those of `linear`, n at least 4. Raises what `linear` raises, and
    ValueError for three points on one line.
    """
    return _curve([a, b, c], "abc", n, arcs.circle_through, least=4, closed=True)


def polygon(vertices: Array, n: int) -> Array:
    """Return points on closed polygons, n steps an edge, the last point being the first again.

    Parameters
    ----------
    vertices : floating array (curves, m, *shape), m >= 2
        In order: a polygon through m augmented copies of an image is the use in Gamba et al.,
        AISTATS 2022.
    n : int, at least 1
        Steps an edge; every vertex is a point.

    Returns
    -------
    points : (curves, m n + 1, *shape), of the vertices' library, dtype and place

    Raises
    ------
    TypeError : vertices is no floating array.
    ValueError : another shape, NaN or inf, n below 1.

    """
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"n is {n}; wanted at least 1 step an edge")
    (rows,), shape = _rows_of([vertices], ["vertices"])
    if len(shape) < 2 or shape[1] < 2:
        raise ValueError(f"vertices has shape {shape}; wanted (curves, m, ...), m at least 2")
    with torch_beside(library_of(vertices, "vertices"), rows.device):
        corners = rows.reshape(shape[0], shape[1], -1)
        t = torch.arange(n, dtype=torch.float64, device=rows.device)[:, None] / n
        after = corners.roll(-1, 1)
        edges = torch.lerp(corners[:, :, None], after[:, :, None], t).flatten(1, 2)
        points = torch.cat([edges, corners[:, :1]], dim=1)
        return _rounded(points.reshape(shape[0], -1, *shape[2:]), vertices)


def _curve(
    ends: Sequence[Array],
    names: Sequence[str],
    n: int,
    points: Callable[[Sequence[Tensor], Tensor], Tensor],
    *,
    least: int = 2,
    closed: bool = False,
    keep_ends: bool = True,
) -> Array:
    """Evaluate a curve at n values t from 0 to 1: rows (curves, 1, width), t (n, 1)."""
    n = operator.index(n)
    if n < least:
        raise ValueError(f"n is {n}; wanted at least {least} points")
    rows, shape = _rows_of(ends, names)
    with torch_beside(library_of(ends[0], names[0]), rows[0].device):
        t = torch.linspace(0, 1, n, dtype=torch.float64, device=rows[0].device)[:, None]
        found = points([row[:, None] for row in rows], t)
        if keep_ends:
            found[:, 0] = rows[0]
            found[:, -1] = rows[0] if closed else rows[-1]
        elif closed:
            found[:, -1] = found[:, 0]
        return _rounded(found.reshape(shape[0], n, *shape[1:]), ends[0])


def _rows_of(arrays: Sequence[Array], names: Sequence[str]) -> tuple[list[Tensor], tuple[int, ...]]:
    """Return finite float64 copies (curves, width) of arrays of one shape and place, and it."""
    rows = []
    for array, name in zip(arrays, names, strict=True):
        library = library_of(array, name)
        if not dtype_name(array).startswith(("float", "bfloat")):
            raise TypeError(f"{name} has dtype {dtype_name(array)}; wanted a floating dtype")
        need_same_place(arrays[0], names[0], array, name)
        shape = tuple(array.shape)
        if shape != tuple(arrays[0].shape) or len(shape) < 2:
            raise ValueError(
                f"{name} has shape {shape}; wanted (curves, ...)"
                + (f", as {names[0]}: {tuple(arrays[0].shape)}" if array is not arrays[0] else "")
                + ("; one vector x is x[None]" if len(shape) < 2 else "")
            )
        with torch_beside(library, device_of(array)):
            copy = _float64(array).reshape(shape[0], math.prod(shape[1:]))
            if not bool(copy.isfinite().all()):
                raise ValueError(f"{name} holds NaN or inf; wanted finite numbers")
        rows.append(copy)
    return rows, tuple(arrays[0].shape)


def _float64(array: Array) -> Tensor:
    if isinstance(array, np.ndarray):
        return torch.from_numpy(np.array(array, np.float64, order="C"))
    tensor: Tensor = as_torch(contiguous(array)).to(torch.float64)
    return tensor


def _rounded(points: Tensor, like: Array) -> Array:
    """Hand points over to the library and dtype of `like`.

    Raises ValueError for points that the dtype cannot hold.
    """
    if isinstance(like, np.ndarray):
        with np.errstate(over="ignore"):
            found: Array = points.numpy().astype(like.dtype)
        fits = bool(np.isfinite(found).all())
    else:
        rounded = points.to(getattr(torch, dtype_name(like)))
        fits = bool(rounded.isfinite().all())
        found = from_torch(rounded, library_of(like, "like"))
    if not fits:
        raise ValueError(
            f"the curve leaves the range of {dtype_name(like)}; wanted one that stays in it, or a "
            "wider dtype"
        )
    return found


def _slerp(ends: Sequence[Tensor], t: Tensor) -> Tensor:
    a, b = ends
    return arcs.great_circle(a, b, arcs.angle_between(arcs.unit(a, "a"), arcs.unit(b, "b")), t)


def _slerp_norm(ends: Sequence[Tensor], t: Tensor) -> Tensor:
    a, b = ends
    u, v = arcs.unit(a, "a"), arcs.unit(b, "b")
    norm = torch.lerp(arcs.norm_of(a), arcs.norm_of(b), t)
    return norm * arcs.great_circle(u, v, arcs.angle_between(u, v), t)


def _plane_of(x: Array, plane: Any, seed: int) -> tuple[Tensor, Tensor]:
    """Return two orthonormal float64 vectors (width,)."""
    library_of(x, "x")
    width = math.prod(x.shape[1:])
    if width < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; a circle needs at least two dimensions")
    if plane is None:
        random = torch.Generator().manual_seed(seed)
        drawn = torch.randn(2, width, generator=random, dtype=torch.float64)
    else:
        first, second = plane
        (one, two), shape = _rows_of([first[None], second[None]], ["plane[0]", "plane[1]"])
        if shape[1:] != tuple(x.shape[1:]):
            raise ValueError(f"plane has vectors of shape {shape[1:]}; wanted {tuple(x.shape[1:])}")
        drawn = torch.cat([one, two])
    return arcs.orthonormal(drawn)

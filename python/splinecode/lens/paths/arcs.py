"""Great circles and circles through three points, on float64 rows (curves, 1, width)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_ANTIPODAL = 1e-8
"""Below this sum of two unit vectors the plane of their great circle is mostly rounding."""
_PARALLEL = 1e-12
"""Below this share of a vector's length, what is perpendicular to another is mostly rounding."""


def great_circle(a: Tensor, b: Tensor, angle: Tensor, t: Tensor) -> Tensor:
    """Points sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b; on the segment where w is 0."""
    sine = angle.sin()
    parallel = angle == 0
    before = torch.where(parallel, 1 - t, ((1 - t) * angle).sin() / sine)
    after = torch.where(parallel, t, (t * angle).sin() / sine)
    return before * a + after * b


def angle_between(u: Tensor, v: Tensor) -> Tensor:
    """Angle between unit vectors, accurate near 0 and pi (Kahan)."""
    together = norm_of(u + v)
    if wrong := int((together < _ANTIPODAL).sum()):
        raise ValueError(
            f"a and b are antipodal in {wrong} of {len(u)} curves, first in curve "
            f"{int((together < _ANTIPODAL).flatten().int().argmax())}: many great circles join "
            "them; go by way of a third point, or along linear(a, b, n)"
        )
    return 2 * torch.atan2(norm_of(u - v), together)


def unit(rows: Tensor, name: str) -> Tensor:
    """Vectors of length 1; raises ValueError, which names them, for one that is zero."""
    norm = norm_of(rows)
    if bool((norm == 0).any()):
        raise ValueError(
            f"{name} is zero in curve {int((norm == 0).flatten().int().argmax())}; wanted vectors "
            "with a direction, or linear(a, b, n)"
        )
    return rows / norm


def norm_of(rows: Tensor) -> Tensor:
    """Euclidean norms (..., 1), without overflow."""
    size = rows.abs().amax(dim=-1, keepdim=True) if rows.shape[-1] else rows.sum(-1, keepdim=True)
    size = torch.where(size > 0, size, 1.0)
    norm: Tensor = size * torch.linalg.vector_norm(rows / size, dim=-1, keepdim=True)
    return norm


def circle_through(ends: Sequence[Tensor], t: Tensor) -> Tensor:
    """Points at 2 pi t on the circle through three, from the first past the second to the third."""
    a, b, c = ends
    u = _direction(b - a, c - a)
    v = (c - a) - ((c - a) * u).sum(-1, keepdim=True) * u
    height = norm_of(v)
    base, across = norm_of(b - a), ((c - a) * u).sum(-1, keepdim=True)
    v = v / height
    # In the plane: a = (0, 0), b = (base, 0), c = (across, height).
    x = base / 2
    y = (across * (across - base) + height.square()) / (2 * height)
    centre = a + x * u + y * v
    start = a - centre
    # From a past b before c: away from c, which lies on the positive side of the line through a, b.
    turned = y * u - x * v
    angle = 2 * math.pi * t
    return centre + angle.cos() * start + angle.sin() * turned


def _direction(ab: Tensor, ac: Tensor) -> Tensor:
    """Return the unit vector along ab; raises ValueError where ab and ac are parallel."""
    length, other = norm_of(ab), norm_of(ac)
    u = ab / torch.where(length > 0, length, 1.0)
    aside = norm_of(ac - (ac * u).sum(-1, keepdim=True) * u)
    flat = (length == 0) | (aside <= _PARALLEL * other) | (other == 0)
    if bool(flat.any()):
        raise ValueError(
            f"a, b and c lie on one line in curve {int(flat.flatten().int().argmax())}; wanted "
            "three points that lie on a circle"
        )
    return u


def orthonormal(spanning: Tensor) -> tuple[Tensor, Tensor]:
    """Return two orthonormal vectors (width,) of the plane of two (2, width), the first along it.

    Raises ValueError, which names a `plane`, where they span none.
    """
    length = norm_of(spanning)
    u = spanning[0] / torch.where(length[0] > 0, length[0], 1.0)
    v = spanning[1] - (spanning[1] @ u) * u
    aside = norm_of(v)
    if bool(length[0] == 0) or bool(aside <= _PARALLEL * length[1]):
        raise ValueError("plane has parallel or zero vectors; wanted two that span a plane")
    return u, v / aside

"""The specification of slices: polygons clipped by one form after the other, in Fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any

from oracle import Kink, Node, Values, lerp, step_at_points

Corner = dict[int, Values]
"""The values of nodes at a vertex; those of WINDOW are its (u, v)."""
WINDOW = -1
Code = tuple[tuple[bool, ...], ...]


def areas_by_code(
    nodes: Sequence[Node], window: list[Values], corners: list[Values]
) -> dict[Code, Fraction]:
    """The area in (u, v) of each polytope in a window, whose four corners are inputs."""
    polygons = [([{WINDOW: uv, 0: x} for uv, x in zip(window, corners, strict=True)], ())]
    for n, (step, inputs) in enumerate(nodes[1:], 1):
        if isinstance(step, Kink):
            cut = []
            for corner, code in polygons:
                for part in clipped(corner, inputs[0], step):
                    middle = mean([vertex[inputs[0]] for vertex in part])
                    cut.append((part, (*code, tuple(step.bits(middle)))))
            polygons = cut
        for corner, _ in polygons:
            values = step_at_points(step, [[vertex[i] for vertex in corner] for i in inputs])
            for vertex, value in zip(corner, values, strict=True):
                vertex[n] = value
    areas: dict[Code, Fraction] = {}
    for corner, code in polygons:
        areas[code] = areas.get(code, Fraction(0)) + area([vertex[WINDOW] for vertex in corner])
    return areas


def clipped(corner: list[Corner], node: int, step: Any) -> list[list[Corner]]:
    """The parts of a polygon on which no form of a kink changes its sign."""
    parts = [corner]
    for f in range(len(step.forms(corner[0][node]))):
        parts = [
            side
            for part in parts
            for side in halves(part, [step.forms(vertex[node])[f] for vertex in part])
        ]
    return [[dict(vertex) for vertex in part] for part in parts]


def halves(corner: list[Corner], form: Values) -> list[list[Corner]]:
    """A polygon on each side of a form's zeros, or the polygon if it is on one side."""
    if min(form) >= 0 or max(form) <= 0:
        return [corner]
    sides: list[list[Corner]] = [[], []]
    around = [*zip(corner, form, strict=True)]
    for (a, fa), (b, fb) in pairwise([*around, around[0]]):
        for side, sign in zip(sides, (1, -1), strict=True):
            if fa * sign >= 0:
                side.append(a)
            if min(fa, fb) < 0 < max(fa, fb):
                share = fa / (fa - fb)
                side.append({n: lerp(a[n], b[n], share) for n in a})
    return sides


def mean(points: list[Values]) -> Values:
    """The mean of points, which lies inside of their polygon."""
    return [sum(column, Fraction(0)) / len(points) for column in zip(*points, strict=True)]


def area(uv: list[Values]) -> Fraction:
    """The area of a polygon."""
    pairs = pairwise([*uv, uv[0]])
    return sum((a[0] * b[1] - a[1] * b[0] for a, b in pairs), Fraction(0)) / 2


def bits_of(code: Code) -> tuple[bool, ...]:
    """The bits of all layers, one after the other."""
    return tuple(chain(*code))

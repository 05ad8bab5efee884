"""A plane through three inputs, cut into polygons."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import plots
from ...slices import SampledSlice2D, Slice2D, sampled_slice_2d, slice_2d
from ..section import Section, Skipped, Subject, Viewer
from ..slice_data import slice_data

_MOST_POLYGONS = 40_000
_WINDOW = np.array([-0.25, 1.25, -0.25, 1.25])
_MIDDLE = 1 / 3
"""The middle of the three inputs, in both coordinates, around which the window shrinks."""


def _corners(subject: Subject) -> list[Any]:
    """Draw three inputs, of different classes while there are some left."""
    x = subject.inputs
    if len(x) < 3:
        raise Skipped("a plane needs three inputs")
    order = np.random.default_rng(subject.seed).permutation(len(x)).tolist()
    chosen = [order[0]]
    if subject.labels is not None:
        for i in order[1:]:
            if len(chosen) < 3 and subject.labels[i] not in subject.labels[chosen]:
                chosen.append(i)
    chosen += [i for i in order if i not in chosen][: 3 - len(chosen)]
    return [x[i].double() for i in chosen]


def _slice(subject: Subject) -> Slice2D:
    network, (p0, p1, p2) = subject.network(), _corners(subject)
    most = subject.size(_MOST_POLYGONS, _MOST_POLYGONS // 5)
    for halvings in range(12):
        window = _MIDDLE + (_WINDOW - _MIDDLE) / 2**halvings
        try:
            return slice_2d(network, p0, p1, p2, window.tolist(), max_polygons=most)
        except ValueError as error:
            if "max_polygons" not in str(error):
                raise
    raise Skipped(f"even a small window between three inputs has more than {most:,} polygons")


SLICE = Section(
    name="slice",
    title="A plane through three inputs",
    question="How does the network cut the plane through three of the inputs, exactly?",
    reading=(
        "The plane through three inputs, which lie at (0, 0), (1, 0) and (0, 1); coordinates are "
        "not at right angles in input space, areas are of input space. Where there would be too "
        "many polygons for a page, the window is a smaller one around the middle of the three. "
        "Each polygon has one spline code, and the network is affine on it. In the viewer "
        "boundaries have the colour of their layer: those of the first are straight, later ones "
        "bend where they cross earlier ones. Hex digits are of the code as a number, unit 0 the "
        "lowest bit."
    ),
    run=_slice,
    figure=plots.slice_2d,
    viewer=Viewer("slice", slice_data),
    themed=False,
)


def _sampled(subject: Subject) -> SampledSlice2D:
    if subject.network_or_none() is not None:
        raise Skipped("the exact slice stands in its place")
    side = subject.size(200, 64)
    return sampled_slice_2d(subject.model, *_corners(subject), resolution=(side, side))


SAMPLED_SLICE = Section(
    name="sampled_slice",
    title="A plane through three inputs, sampled",
    question="Which codes are at a grid of points of the plane through three inputs?",
    reading=(
        "A colour a code, at sampled points: no partition, and regions narrower than the grid are "
        "missed."
    ),
    run=_sampled,
    figure=plots.sampled_slice_2d,
    themed=False,
)

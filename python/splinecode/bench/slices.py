"""Exact slices of a plane, beside edge subdivision in plain torch and beside regioncam."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from .. import reference, slice_2d
from ..slices import Slice2D
from ..steps import Linear
from . import peers
from .case import Baseline, Case, DisagreementError, Floor, Rate
from .floors import products
from .nets import Net, make_net
from .peak import in_words, peak_of

GROUP = "slices"

_SMALL = (2, 64, 64, 64, 1)
_MEDIUM = (784, 256, 256, 256, 256, 10)


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [partial(_case, (2, 8, 8, 1), 1.0), partial(_case, (6, 8, 8, 2), 0.5)]
    return [partial(_case, _SMALL, 1.0), partial(_case, _MEDIUM, 0.175)]


def _case(widths: tuple[int, ...], size: float) -> Case:
    """The window from -size to size of the plane around one point, in directions to others.

    A net of two inputs is cut in its own plane.
    """
    net = make_net(widths, 2)
    points = _points(net)
    extent = (-size, size, -size, size)
    ours = partial(slice_2d, net.network, *points, extent)
    found = ours()
    memory = peak_of(ours)
    return Case(
        group=GROUP,
        title=f"slice of {net.name}, {len(found):,} polygons{in_words(memory)}",
        sizes={"net": net.name, "polygons": len(found), **memory},
        ours=ours,
        baselines=tuple(_baselines(net, points, extent)),
        rate=Rate(len(found) / 1e6, "M polygons/s"),
        floor=Floor("the linear layers at all vertices, float64", _products(net, found)),
    )


def _points(net: Net) -> tuple[Tensor, Tensor, Tensor]:
    if net.network.input_shape == (2,):
        origin = torch.zeros(2, dtype=torch.float64)
        return origin, *torch.eye(2, dtype=torch.float64)
    return net.a[0], net.a[1], net.b[0]


def _baselines(
    net: Net, points: tuple[Tensor, Tensor, Tensor], extent: tuple[float, float, float, float]
) -> list[Baseline]:
    torch_way = partial(reference.slice_regions, net.double, *points, extent)
    found = [Baseline("torch float64, edge subdivision", torch_way, _compare)]
    regions = peers.regioncam_regions(net.single, *points, extent[1])
    if regions:
        found.append(Baseline("regioncam float32", regions, _compare_regions))
    return found


def _compare(ours: Slice2D, theirs: reference.Subdivision) -> str:
    """Hold both to the same numbers of vertices, edges and regions."""
    mine = (len(ours.vertices), len(ours.edges), len(ours))
    other = (len(theirs.vertices), len(theirs.edges), theirs.regions)
    if mine != other:
        raise DisagreementError(f"vertices, edges and polygons are {mine} and {other}")
    return ""


def _compare_regions(ours: Slice2D, regions: int) -> str:
    """Say by how many regions float32 is off."""
    return "" if regions == len(ours) else f"{regions:,} regions, {regions - len(ours):+,}"


def _products(net: Net, found: Slice2D) -> partial[None]:
    """Return a function that takes the linear layers at as many points as there were vertices.

    Before layer l stand the vertices that the layers before it made.
    """
    made = [4]
    for layer in range(len(found.layers)):
        known = net.network.restrict(stop=found.layers[layer].name)
        made.append(len(slice_2d(known, *_points(net), found.plane.extent).vertices))
    steps = [node.step for node in net.network.nodes if isinstance(node.step, Linear)]
    return products(
        (step, step.weight.shape[1], vertices) for step, vertices in zip(steps, made, strict=True)
    )

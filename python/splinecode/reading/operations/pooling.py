"""Average and max pools over one, two or three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..graph import Graph
from .table import Operand, reads
from .windows import largest, weighted_sum, windows_of

Sizes = Sequence[int] | int


@reads("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(
    graph: Graph,
    x: Operand,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Read a max pool."""
    axes = _axes(kernel, x.ndim)
    settings = [_each(some, axes) for some in (kernel, stride or kernel, padding, dilation)]
    extents = x.shape[x.ndim - axes :]
    places = [
        _places(extent, k, s, p, d, ceil_mode)
        for extent, k, s, p, d in zip(extents, *settings, strict=True)
    ]
    return largest(graph, windows_of(x.cells, places))


@reads("max_pool2d_with_indices", "max_pool3d_with_indices")
def max_pool_with_indices(graph: Graph, x: Operand, *settings: Any) -> tuple[Tensor, None]:
    """Read a max pool whose indices are not used."""
    return max_pool(graph, x, *settings), None


@reads("adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(graph: Graph, x: Operand, size: Sizes) -> tuple[Tensor, None]:
    """Read a max pool of a given output size."""
    return largest(graph, windows_of(x.cells, _adaptive_places(x, size))), None


@reads("avg_pool1d", "avg_pool2d", "avg_pool3d")
def average_pool(
    graph: Graph,
    x: Operand,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Tensor:
    """Read an average pool."""
    axes = _axes(kernel, x.ndim)
    settings = [_each(some, axes) for some in (kernel, stride or kernel, padding)]
    extents = x.shape[x.ndim - axes :]
    places, counts = [], []
    for extent, k, s, p in zip(extents, *settings, strict=True):
        place = _places(extent, k, s, p, 1, ceil_mode)
        starts = torch.arange(len(place)) * s - p
        whole = (starts + k).clamp(max=extent + p) - starts
        places.append(place)
        counts.append(whole if count_include_pad else (place >= 0).sum(1))
    windows = windows_of(x.cells, places)
    return weighted_sum(
        graph,
        windows,
        _shares(counts) if divisor is None else torch.tensor(1 / divisor, dtype=torch.float64),
    )


@reads(
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool1d",
)
def adaptive_average_pool(graph: Graph, x: Operand, size: Sizes) -> Tensor:
    """Read an average pool of a given output size."""
    places = _adaptive_places(x, size)
    counts = [(place >= 0).sum(1) for place in places]
    return weighted_sum(graph, windows_of(x.cells, places), _shares(counts))


def _axes(kernel: Sizes, dimensions: int) -> int:
    return dimensions - 2 if isinstance(kernel, int) else len(kernel)


def _each(setting: Sizes, axes: int) -> Sequence[int]:
    values = [setting] if isinstance(setting, int) else list(setting)
    return values * axes if len(values) == 1 else values


def _places(
    extent: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> Tensor:
    """Return the places (out, kernel) that each window covers along an axis, -1 for padding."""
    room = extent + 2 * padding - dilation * (kernel - 1) - 1
    out = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (out - 1) * stride >= extent + padding:
        out -= 1  # torch starts no window in the padding on the right
    places = torch.arange(out)[:, None] * stride - padding + torch.arange(kernel) * dilation
    return torch.where((places >= 0) & (places < extent), places, -1)


def _adaptive_places(x: Operand, size: Sizes) -> list[Tensor]:
    sizes = [size] if isinstance(size, int) else list(size)
    extents = x.shape[x.ndim - len(sizes) :]
    return [_even_places(extent, out) for extent, out in zip(extents, sizes, strict=True)]


def _even_places(extent: int, out: int) -> Tensor:
    """Return the places that each window covers: floor(i e / out) to ceil((i + 1) e / out)."""
    window = torch.arange(out)
    starts, ends = window * extent // out, -(-(window + 1) * extent // out)
    places = starts[:, None] + torch.arange(int((ends - starts).max()))
    return torch.where(places < ends[:, None], places, -1)


def _shares(counts: list[Tensor]) -> Tensor:
    """Return 1 / (elements of a window), (*outs, 1), from the counts along each axis."""
    total = torch.ones((), dtype=torch.int64)
    for axis, count in enumerate(counts):
        total = total * count.reshape(-1, *(1,) * (len(counts) - 1 - axis))
    return (1.0 / total.to(torch.float64))[..., None]

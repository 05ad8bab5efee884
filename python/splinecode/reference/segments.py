"""Boundary crossings along the segment x(t) = a + t (b - a), 0 <= t <= 1, in plain PyTorch.

`a` and `b` are one input each, without a batch axis, in the dtype and on the device of the model.
A unit is one scalar input of an `nn.ReLU`, counted in C order; layers are the ReLUs, from 0.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def sampled_crossings(
    modules: Iterable[nn.Module], a: Tensor, b: Tensor, n: int, batch: int = 1024
) -> int:
    """Count sampled transitions: bits that differ between neighbours among n even points.

    The sum of consecutive Hamming distances over every ReLU of `modules`, run one after another (an
    `nn.Sequential` is such an iterable), as Novak et al., arXiv:1802.08760, count transitions on a
    trajectory. n forward passes, `batch` + 1 at a time; n = 2 is the endpoint Hamming distance.

    It misses what a unit does and undoes between two points, and near a boundary rounding can flip
    a bit that exact arithmetic would not: the count need not converge as n grows.
    """
    chain = list(modules)
    points = torch.linspace(0, 1, n, dtype=a.dtype, device=a.device).view(-1, *[1] * a.dim())
    count = 0
    for start in range(0, n - 1, batch):
        x = torch.lerp(a, b, points[start : start + batch + 1])  # neighbours share a point
        for module in chain:
            if isinstance(module, nn.ReLU):
                bits = x > 0
                count += int((bits[1:] != bits[:-1]).sum())
            x = module(x)
    return count


@torch.no_grad()
def exact_crossings(model: nn.Sequential, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every crossing of a segment, by sweeping it layer by layer: (t, layer, unit), sorted by t.

    `model` holds Linear, Conv2d, AvgPool2d, Flatten and ReLU; anything else raises TypeError. t has
    the dtype of the model, layer and unit are int64, all (crossings,). The idea is ExactLine of
    Sotoudeh and Thakur, NeurIPS 2019: between knots where all earlier units cross, a layer is
    linear, so its values at the knots tell each unit's root.

    Each affine layer runs once on all knots so far, so the time of layer l is that of as many
    forward passes, and the memory is (units of the widest layer) * (all crossings) numbers.

    t carries the rounding error of the dtype: about 1e-13 in float64; in float32 up to 2e-5, which
    is more than many gaps. Nothing is promised for ties: the order among equal t, a unit that is
    zero along a piece or touches zero at a knot, a segment that starts on a boundary.
    """
    t = torch.tensor([0, 1], dtype=a.dtype, device=a.device)
    x = torch.stack([a, b])
    roots, layers, units = [t[:0]], [t[:0].long()], [t[:0].long()]
    for module in model:
        if isinstance(module, nn.ReLU):
            t, x, root, unit = _insert_roots(t, x)
            layers.append(torch.full_like(unit, len(layers) - 1))
            roots.append(root)
            units.append(unit)
        elif not isinstance(module, nn.Linear | nn.Conv2d | nn.AvgPool2d | nn.Flatten):
            raise TypeError(f"exact_crossings does not know {type(module).__name__}")
        x = module(x)
    every_t, order = torch.cat(roots).sort(stable=True)
    return every_t, torch.cat(layers)[order], torch.cat(units)[order]


def _insert_roots(t: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Add a knot wherever a unit changes sign: (knots, values at them, t and unit of each root)."""
    z = x.flatten(1)
    left, unit = torch.nonzero((z[1:] > 0) != (z[:-1] > 0), as_tuple=True)
    z0, z1 = z[left, unit], z[left + 1, unit]
    share = z0 / (z0 - z1)
    root = torch.lerp(t[left], t[left + 1], share)
    between = torch.lerp(z[left], z[left + 1], share[:, None])
    knots, order = torch.cat([t, root]).sort(stable=True)
    return knots, torch.cat([z, between])[order].reshape(-1, *x.shape[1:]), root, unit

"""Local complexity in plain PyTorch, as its authors compute it (arXiv:2402.15555)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def local_complexity(
    model: nn.Module,
    inputs: Tensor,
    frame: Tensor,
    radius: float,
    layers: Sequence[nn.Module],
    batch: int = 256,
) -> Tensor:
    """Count the units that are not equally active at all vertices around each input.

    The vertices of input x are x + r v_k and x - r v_k for the rows v_k of `frame` (directions,
    inputs' width); x is none of them. A unit is one scalar input of one of the modules `layers`.
    Returns int64 (inputs, layers), layers in the order given.

    One forward pass of 2 * directions * `batch` points at a time; hooks keep the float
    pre-activations of all layers until it has ended. Active is z > 0, where the authors compare
    `torch.sign`, to which 0 is a sign of its own.
    """
    kept: dict[int, Tensor] = {}

    def keep(place: int) -> Any:
        return lambda module, arguments: kept.__setitem__(place, arguments[0])

    handles = [module.register_forward_pre_hook(keep(i)) for i, module in enumerate(layers)]
    offsets = radius * frame.to(inputs.dtype)
    counts = []
    try:
        for x in inputs.split(batch):
            flat = x.reshape(len(x), 1, -1)
            vertices = torch.cat([flat + offsets, flat - offsets], 1)
            model(vertices.reshape(-1, *x.shape[1:]))
            counts.append(torch.stack([_differing(kept[i], len(x)) for i in sorted(kept)], 1))
            kept.clear()
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat(counts)


def _differing(z: Tensor, inputs: int) -> Tensor:
    active = (z > 0).reshape(inputs, len(z) // inputs, -1)
    return (active[:, 1:] != active[:, :1]).any(dim=1).sum(dim=1)

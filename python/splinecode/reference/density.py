"""Boundary density in plain PyTorch."""

from collections.abc import Sequence

import torch
from torch import Tensor


def boundary_density(
    codes_bool: Tensor, layers: Sequence[int], inputs: Tensor, pairs: Tensor, chunk: int = 4096
) -> Tensor:
    """Endpoint Hamming distance over L2 distance, layer by layer: float64 (pairs, layers).

    `codes_bool` (n, bits) holds the layers' bits side by side, `layers` how many each has; `inputs`
    is (n, features), `pairs` int64 (pairs, 2). NaN or inf at distance 0. One byte a bit, and
    3 * chunk * bits bytes of scratch.
    """
    density = torch.empty(len(pairs), len(layers), dtype=torch.float64, device=inputs.device)
    for some, out in zip(pairs.split(chunk), density.split(chunk), strict=True):
        i, j = some.T
        differ = codes_bool[i] ^ codes_bool[j]
        distance = (inputs[i].double() - inputs[j].double()).norm(dim=1)
        for layer, bits in enumerate(differ.split(list(layers), dim=1)):
            out[:, layer] = bits.sum(1, dtype=torch.int32) / distance
    return density

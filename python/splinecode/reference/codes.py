"""Spline codes in plain PyTorch."""

import torch
from torch import Tensor
from torch.nn.functional import pad

# Of eight bytes 0 or 1 read as one little-endian word, the product's top byte is b0 + 2 b1 + ...
# + 128 b7: bit 8 j of the word meets the factor 2**(56 - 7 j). No lower partial sum carries.
_GATHER_BITS = 0x0102040810204080


def bool_codes(z: Tensor) -> Tensor:
    """Spline code of pre-activations: bool, the shape of `z`, true where z > 0 (NaN: false)."""
    return z > 0


def pack_torch(z: Tensor) -> Tensor:
    """Pack the signs of (..., units) into uint8 (..., ceil(units / 8)), units >= 1.

    The bytes of `numpy.packbits(z > 0, axis=-1, bitorder="little")`; pad bits are zero. O(z), with
    one byte of scratch a unit. Little-endian machines only.

    The fastest way found in torch: 3.8 GB/s of float32 on 2 quiet cores, where shift-or over the
    eight bits of a byte reached 2.2, a weighted sum 1.5 and a float matrix product 0.8.
    """
    bits = z > 0
    if missing := -z.shape[-1] % 8:
        bits = pad(bits, (0, missing))
    gathered = bits.contiguous().view(torch.int64).mul_(_GATHER_BITS)
    return gathered.view(torch.uint8)[..., 7::8].contiguous()

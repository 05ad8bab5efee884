"""Codes drawn on the device: fair coins, the hardest for a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from .place import Place

WORD_BITS = 64
_EXPANDED_AT_ONCE = 1 << 28


@dataclass(frozen=True, eq=False)
class Coins:
    """A database (n, w) of words on the device, and what cases make of it, kept for the next."""

    words: Tensor
    _signs: dict[torch.dtype, Tensor] = field(default_factory=dict, repr=False)

    @cached_property
    def host(self) -> Tensor:
        """The words on the host, copied when asked for."""
        return self.words.cpu()

    def signs(self, dtype: torch.dtype) -> Tensor:
        """Return the codes as -1 and +1 (n, bits): the last dtype asked for is kept."""
        if self._signs.get(dtype) is None:
            self._signs.clear()
            self._signs[dtype] = signs(self.words, dtype)
        return self._signs[dtype]

    @property
    def bits(self) -> int:
        """Bits of a code."""
        return WORD_BITS * self.words.shape[1]

    @property
    def bytes(self) -> int:
        """Bytes of all codes."""
        return 8 * self.words.numel()


@lru_cache(maxsize=1)
def database(place: Place, rows: int, bits: int) -> Coins:
    """Draw a database, or return the last one if it was the same: one at a time is in memory."""
    return Coins(coins(place, rows, bits, seed=1))


def coins(place: Place, rows: int, bits: int, seed: int) -> Tensor:
    """Draw uint64 words (rows, bits / 64)."""
    random = torch.Generator(place.device).manual_seed(seed)
    least, most = torch.iinfo(torch.int64).min, torch.iinfo(torch.int64).max
    words = torch.empty(rows, bits // WORD_BITS, dtype=torch.int64, device=place.device)
    return words.random_(least, most, generator=random).view(torch.uint64)


def signs(words: Tensor, dtype: torch.dtype) -> Tensor:
    """Expand words (n, w) to -1 and +1 (n, 64 w), by blocks of rows."""
    out = torch.empty(len(words), WORD_BITS * words.shape[1], dtype=dtype, device=words.device)
    shifts = torch.arange(8, dtype=torch.uint8, device=words.device)
    step = max(1, _EXPANDED_AT_ONCE // out.shape[1])
    for begin in range(0, len(words), step):
        octets = words[begin : begin + step].contiguous().view(torch.uint8)
        bits = (octets[..., None] >> shifts) & 1
        out[begin : begin + step] = bits.view(len(octets), -1).to(dtype).mul_(2).sub_(1)
    return out

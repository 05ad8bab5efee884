"""Words from a disk, made codes if their pad bits are zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..codes import WORD_BITS, Codes, Layer

Words = np.ndarray[Any, Any]

_BLOCK_BYTES = 512 << 10


def codes_of_words(words: Words, layers: tuple[Layer, ...]) -> Codes:
    """Return `Codes(words, layers)`: the same check, in one pass over blocks that a cache holds.

    Raises ValueError where a bit is set past the end of a layer.
    """
    pads = _pads(layers)
    rows = max(1, _BLOCK_BYTES // (8 * max(1, len(pads))))
    for start in range(0, len(words), rows):
        block = words[start : start + rows]
        if (block & pads).any():
            return Codes(block, layers)  # raises, and names the layer
    return Codes._trusted(words, layers)


def _pads(layers: tuple[Layer, ...]) -> Words:
    """Return the bits that no unit has, uint64 (width,)."""
    pads = np.zeros(sum(layer.words for layer in layers), np.uint64)
    end = 0
    for layer in layers:
        end += layer.words
        used = layer.bits % WORD_BITS
        if used:
            pads[end - 1] = (-1 << used) % 2**WORD_BITS
    return pads

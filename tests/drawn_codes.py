"""Codes for property tests, beside the bits they hold."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from splinecode import Codes, pack

LAYOUTS = [(1,), (64,), (65,), (3, 130), (64, 0, 7), (5, 64, 200)]


class Drawn(NamedTuple):
    """Codes and the bits of each layer: bool (n, bits)."""

    codes: Codes
    layers: list

    @property
    def bits(self):
        """All bits side by side, as lists."""
        return np.concatenate(self.layers, axis=1).tolist()

    def rows_of_layers(self, i):
        """Row i as a list of layers."""
        return [layer[i].tolist() for layer in self.layers]


def make(rng, n, layout, density=0.5):
    layers = [rng.random((n, bits)) < density for bits in layout]
    words = np.concatenate([pack(layer) for layer in layers], axis=1)
    return Drawn(Codes(words, {f"layer{i}": bits for i, bits in enumerate(layout)}), layers)


def popcounts(words):
    """Bits set in each row of words."""
    return np.unpackbits(words.view(np.uint8), axis=1).sum(1)


def strided(drawn):
    """The same codes, read-only, in the middle of wider rows, as memory that is not contiguous."""
    words = drawn.codes.words
    wide = np.full((2 * len(words), words.shape[1] + 3), 2**64 - 1, np.uint64)
    wide[::2, 1 : 1 + words.shape[1]] = words
    view = wide[::2, 1 : 1 + words.shape[1]]
    view.flags.writeable = False
    return Drawn(Codes(view, drawn.codes.layers), drawn.layers)


@st.composite
def drawn_codes(draw, sides=1, least=0, most=40, same_n=True):
    """As many `Drawn` of one layout as `sides`; a single one comes alone."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    layout = draw(st.sampled_from(LAYOUTS))
    density = draw(st.sampled_from([0.0, 0.03, 0.5, 1.0]))
    n = draw(st.integers(least, most))
    out = []
    for _ in range(sides):
        size = n if same_n else draw(st.integers(least, most))
        made = make(rng, size, layout, density)
        out.append(strided(made) if draw(st.booleans()) else made)
    return out[0] if sides == 1 else tuple(out)


@st.composite
def offsets_of(draw, n, least=0):
    """Offsets of groups of at least `least` rows that cover n rows."""
    if least == 0:
        cuts = draw(st.lists(st.integers(0, n), max_size=6))
        return [0, *sorted(cuts), n]
    cuts = draw(st.sets(st.integers(1, max(n - 1, 1)), max_size=6)) if n > 1 else []
    return [0, *sorted(cuts), n] if n else [0]


def to_library(codes, library):
    """The same Codes, of another library."""
    if library == "numpy":
        return codes
    import torch

    return Codes(torch.from_numpy(codes.words.copy()), codes.layers)

"""Boundary density of many pairs, from codes."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from ... import Codes, pack, reference
from ...lens.density.boundaries import boundary_density
from ...lens.density.result import BoundaryDensity
from ..case import Baseline, Case, DisagreementError, Rate
from ..peak import in_words, peak_of

_FEATURES, _CHUNK = 784, 4_096


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds the case."""
    if quick:
        return [partial(_case, inputs=50, pairs=300, layers=3, bits=70)]
    return [partial(_case, inputs=10_000, pairs=100_000, layers=12, bits=3_072)]


def _case(inputs: int, pairs: int, layers: int, bits: int) -> Case:
    """Codes by chance: the time does not depend on them. No intervals: the other side has none."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(inputs, layers * bits, generator=generator) < 0.5
    x = torch.randn(inputs, _FEATURES, generator=generator)
    ends = torch.randint(inputs, (pairs, 2), generator=generator)
    words = [pack(layer) for layer in rows.split(bits, dim=1)]
    codes = Codes(torch.cat(words, 1), {f"layer{i}": bits for i in range(layers)})

    def ours() -> BoundaryDensity:
        return boundary_density(codes, x, pairs=ends, resamples=0)

    def theirs() -> Tensor:
        return reference.boundary_density(rows, [bits] * layers, x, ends, _CHUNK)

    memory = peak_of(ours)
    return Case(
        group="lens",
        title=f"boundary density of {pairs:,} pairs, {layers} layers x {bits:,} bits"
        f"{in_words(memory)}, codes {_mib(codes.words.nbytes)}",
        sizes={"pairs": pairs, "inputs": inputs, "layers": layers, "bits": bits, **memory},
        ours=ours,
        baselines=(
            Baseline(
                f"torch bools, {_CHUNK:,} pairs at a time",
                theirs,
                partial(_compare, f"{in_words(peak_of(theirs))}, codes {_mib(rows.nbytes)}"),
            ),
        ),
        rate=Rate(pairs / 1e3, "k pairs/s"),
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _compare(memory: str, ours: BoundaryDensity, theirs: Tensor) -> str:
    """Distances are summed in another order: the last bits may differ."""
    apart = ours.distance > 0
    if not np.allclose(ours.endpoint[apart], theirs.numpy()[apart], rtol=1e-12, atol=0):
        raise DisagreementError("densities differ")
    return memory.removeprefix(", ")

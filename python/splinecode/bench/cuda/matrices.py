"""All distances, which the writing of the matrix bounds, and numbers within a radius."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ... import HammingNeighbors, hamming_matrix
from ..case import Baseline, Case, Floor, Rate
from . import baselines
from .checks import need_equal, same_answers, some
from .data import Coins, coins, database
from .events import rotating
from .place import Place

GROUP = "matrices"
_COPIES = 8
"""Inputs that take turns: with the matrix between them, none is in a cache."""


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    codes, wide = (60, 256) if quick else (32_768, 4_096)
    rows, queries, bits = (300, 20, 128) if quick else (10_000_000, 10_000, 1024)
    return [
        *(
            partial(_matrix, place, codes, bits, dtype)
            for bits in (bits, wide)
            for dtype in (torch.int32, torch.uint16)
        ),
        partial(_radius, place, rows, queries, bits),
    ]


def _matrix(place: Place, codes: int, bits: int, dtype: torch.dtype) -> Case:
    name = str(dtype).removeprefix("torch.")
    codes = place.fitting(codes, 12 * codes + 3 * bits)
    inputs = [Coins(coins(place, codes, bits, seed)) for seed in range(_COPIES)]
    out_bytes = codes * codes * dtype.itemsize

    def check(ours: Tensor) -> None:
        chosen, host = some(codes), inputs[0].host
        need_equal("rows", ours.cpu()[chosen], hamming_matrix(host[chosen], host, dtype=name))

    out = torch.empty(out_bytes, dtype=torch.uint8, device=place.device)
    return Case(
        group=GROUP,
        title=f"all distances of {codes:,} codes of {bits:,} bits, {name}",
        sizes={"codes": codes, "bits": bits, "dtype": name, "bytes": out_bytes},
        ours=rotating(lambda x: hamming_matrix(x.words, dtype=name), inputs),
        baselines=(
            Baseline(
                "torch, +-1 product", baselines.product_matrix(inputs[0], dtype), same_answers
            ),
        ),
        rate=Rate(codes * codes / 1e9, "G distances/s"),
        floor=Floor("writing the matrix (fill_)", lambda: out.fill_(7)),
        check=check,
        needs={"write": out_bytes, "b1": float(codes) ** 2 * bits / 2},
    )


def _radius(place: Place, rows: int, queries: int, bits: int) -> Case:
    """Count the codes that are nearer than the mean distance less three deviations."""
    rows = place.fitting(rows, 3 * bits)
    codes, x = database(place, rows, bits), coins(place, queries, bits, seed=0)
    radius = int(bits / 2 - 1.5 * bits**0.5)
    index = HammingNeighbors(radius=radius).fit(codes.words)

    def check(ours: Tensor) -> None:
        chosen = some(queries)
        on_host = HammingNeighbors(radius=radius, algorithm="brute").fit(codes.host)
        need_equal("counts", ours.cpu()[chosen], on_host.radius_counts(x.cpu()[chosen]))

    return Case(
        group=GROUP,
        title=f"number within {radius} of {rows:,}, {queries:,} x {bits:,} bits",
        sizes={"queries": queries, "codes": rows, "bits": bits, "radius": radius},
        ours=lambda: index.radius_counts(x),
        baselines=(
            Baseline(
                "torch, +-1 product", baselines.product_counts(x, codes, radius), same_answers
            ),
        ),
        rate=Rate(queries * rows / 1e9, "G distances/s"),
        check=check,
        needs={"read": codes.bytes, "b1": float(queries) * rows * bits},
    )

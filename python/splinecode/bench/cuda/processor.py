"""The GPU beside the CPU engine of the same build on all threads: same data, same answers."""

from __future__ import annotations

from functools import partial

import torch

from ... import HammingNeighbors, get_threads, hamming_matrix, pack
from ..case import Baseline, Case, Rate
from .checks import same_answers
from .data import coins, database
from .place import Place

GROUP = "processor"


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    rows, queries, bits = (300, 20, 128) if quick else (1_000_000, 1_000, 1024)
    codes, few = (60, 30) if quick else (16_384, 16_384)
    return [
        partial(_search, place, rows, queries, bits),
        partial(_matrix, place, codes, bits),
        partial(_pack, place, few, 192 if quick else 4096),
    ]


def _label() -> str:
    return f"ours on the CPU, {get_threads()} threads"


def _search(place: Place, rows: int, queries: int, bits: int) -> Case:
    codes, x = database(place, rows, bits), coins(place, queries, bits, seed=0)
    on_device = HammingNeighbors(10).fit(codes.words)
    on_host, host_x = HammingNeighbors(10, algorithm="brute").fit(codes.host), x.cpu()
    return Case(
        group=GROUP,
        title=f"10 nearest of {rows:,}, {queries:,} x {bits:,} bits",
        sizes={"queries": queries, "codes": rows, "bits": bits, "k": 10},
        ours=lambda: on_device.kneighbors(x),
        baselines=(Baseline(_label(), lambda: on_host.kneighbors(host_x), same_answers),),
        rate=Rate(queries * rows / 1e9, "G distances/s"),
    )


def _matrix(place: Place, codes: int, bits: int) -> Case:
    x = coins(place, codes, bits, seed=0)
    host = x.cpu()
    call = partial(hamming_matrix, dtype="uint16")
    return Case(
        group=GROUP,
        title=f"all distances of {codes:,} codes of {bits:,} bits, uint16",
        sizes={"codes": codes, "bits": bits, "dtype": "uint16"},
        ours=lambda: call(x),
        baselines=(Baseline(_label(), lambda: call(host), same_answers),),
        rate=Rate(codes * codes / 1e9, "G distances/s"),
    )


def _pack(place: Place, rows: int, units: int) -> Case:
    z = torch.randn(rows, units, device=place.device)
    host = z.cpu()
    return Case(
        group=GROUP,
        title=f"packing float32, {rows:,} x {units:,}",
        sizes={"rows": rows, "units": units},
        ours=lambda: pack(z),
        baselines=(Baseline(_label(), lambda: pack(host), same_answers),),
        rate=Rate(z.numel() * z.element_size() / 1e9, "GB/s in"),
    )

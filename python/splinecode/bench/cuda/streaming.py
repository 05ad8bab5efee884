"""A database that stays in host memory: the copy to the card bounds the search."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ... import HammingNeighbors
from ..case import Case, Floor, Rate
from .checks import need_nearest
from .data import Coins, coins
from .place import Place

GROUP = "streaming"


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called; none where nothing is copied."""
    if place.device.type == "cpu":
        return []
    rows, bits, many = (3_000, 128, 40) if quick else (10_000_000, 1024, 10_000)
    return [
        partial(_case, place, rows, bits, queries, pinned)
        for queries, pinned in ((1, True), (many, True), (many, False))
    ]


def _case(place: Place, rows: int, bits: int, queries: int, pinned: bool) -> Case:
    rows = place.fitting(rows, bits / 4)
    codes = Coins(coins(place, rows, bits, seed=1))
    host = _pinned(codes.host) if pinned else codes.host
    x = coins(place, queries, bits, seed=0).cpu()
    index = HammingNeighbors(10, device="cuda").fit(host)
    target = codes.words
    return Case(
        group=GROUP,
        title=f"10 nearest of {rows:,} in {'pinned' if pinned else 'pageable'} host memory, "
        f"{queries:,} x {bits:,} bits",
        sizes={"queries": queries, "codes": rows, "bits": bits, "k": 10, "bytes": codes.bytes},
        ours=lambda: index.kneighbors(x),
        baselines=(),
        rate=Rate(codes.bytes / 1e9, "GB/s from the host"),
        floor=Floor("copying the database alone", lambda: target.copy_(host, non_blocking=True)),
        check=need_nearest(x, codes, 10),
        needs={"host": codes.bytes},
    )


def _pinned(words: Tensor) -> Tensor:
    return words.view(torch.int64).pin_memory().view(torch.uint64)

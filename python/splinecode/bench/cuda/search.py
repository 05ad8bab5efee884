"""Nearest codes on a GPU: every width, few and many queries, and each route by itself."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ... import HammingNeighbors
from ...runtime import cuda_route
from ..case import Baseline, Case, Floor, Rate
from . import baselines
from .checks import need_nearest, same_answers, same_distances
from .data import Coins, coins, database
from .machine import routes
from .place import Place

GROUP = "search"
_FEW = (1, 4, 8, 32, 64)
_MOST_OF_FEW = 64
"""The route "few" reads the database once for some queries: of many it takes seconds."""
_MOST_INT8_BITS = 1024
"""Wider codes would take another copy of gigabytes, to show the same."""

_CODES = {1024: 10_000_000, 256: 10_000_000, 4096: 2_000_000, 36_864: 262_144}
_QUERIES = 10_000


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    codes = {128: 300, 5120: 50} if quick else _CODES
    queries, few = (70, (1, 8)) if quick else (_QUERIES, _FEW)
    main = next(iter(codes))
    builders: list[partial[Case]] = []
    for bits, rows in codes.items():
        shapes = [(queries, 10)]
        if bits == main:
            shapes += [(queries, 100), *((asked, 10) for asked in few)]
        for asked, k in shapes:
            make = partial(_case, place, rows=rows, bits=bits, queries=asked, k=k)
            builders.append(make)
            builders += [partial(make, route=name) for name in routes_for(asked)]
    return builders


def routes_for(queries: int) -> list[str]:
    """Return the routes that a case of so many queries tries one by one."""
    return [name for name in routes() if name != "few" or queries <= _MOST_OF_FEW]


def _case(
    place: Place, *, rows: int, bits: int, queries: int, k: int, route: str | None = None
) -> Case:
    wanted, rows = rows, place.fitting(rows, 3 * bits)  # the code, and its signs in halves
    codes = database(place, rows, bits)
    x = coins(place, queries, bits, seed=0)
    index = HammingNeighbors(min(k, rows)).fit(codes.words)

    def ours() -> Any:
        with cuda_route(route) if route else nullcontext():
            return index.kneighbors(x)

    shape = f"{min(k, rows)} nearest of {rows:,}, {queries:,} x {bits:,} bits"
    small = f", scaled down from {wanted:,}" if rows < wanted else ""
    return Case(
        group=GROUP,
        title=shape + (f", route {route}" if route else "") + small,
        sizes={
            **{"queries": queries, "codes": rows, "bits": bits, "k": min(k, rows)},
            **{"route": route or "auto", "codes_wanted": wanted},
        },
        ours=ours,
        baselines=(
            (Baseline("ours, route auto", lambda: index.kneighbors(x), same_answers),)
            if route
            else _torch(x, codes, min(k, rows))
        ),
        rate=Rate(queries * rows / 1e9, "G distances/s"),
        floor=_floor(codes) if queries <= _MOST_OF_FEW else None,
        check=need_nearest(x, codes, min(k, rows)),
        needs=_needs(codes, queries, route),
    )


def _needs(codes: Coins, queries: int, route: str | None) -> dict[str, float]:
    """Return the work by limit: few queries read the database, many multiply bits.

    A route that multiplies none has no share of the tensor cores.
    """
    needs: dict[str, float] = {"read": codes.bytes}
    if queries > _MOST_OF_FEW and route not in {"few", "popc"}:
        products = float(queries) * len(codes.words) * codes.bits
        needs |= {"b1": products, "int8": products}
    return needs


def _torch(x: Tensor, codes: Coins, k: int) -> tuple[Baseline, ...]:
    dtype = str(baselines.sign_dtype(codes.bits)).removeprefix("torch.")
    halves = Baseline(
        f"torch, {dtype} +-1 product and topk",
        baselines.product_topk(x, codes, k),
        same_distances,
    )
    if len(x) <= _MOST_OF_FEW or codes.bits > _MOST_INT8_BITS:
        return (halves,)
    product = baselines.int8_topk(x, codes, k)
    return halves, Baseline("torch, int8 +-1 product and topk", product, same_distances)


def _floor(codes: Coins) -> Floor:
    values = codes.words.view(torch.float32)
    return Floor("reading the database (torch.sum)", values.sum)

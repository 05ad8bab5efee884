"""Exact nearest neighbours of codes by Hamming distance."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from .. import HammingNeighbors, pack, reference
from .case import Baseline, Case, DisagreementError, Rate

GROUP = "neighbors"


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [partial(_case, queries=20, codes=300, bits=128, k=5)]
    return [
        partial(_case, queries=1_000, codes=codes, bits=bits, k=10)
        for codes, bits in ((100_000, 1_024), (100_000, 256), (25_000, 4_096))
    ]


def _case(queries: int, codes: int, bits: int, k: int) -> Case:
    """Bits are fair coins: no structure that a search could exploit, and the hardest for ours."""
    coins = torch.Generator().manual_seed(0)
    x = torch.randint(2, (queries, bits), generator=coins, dtype=torch.uint8).bool()
    y = torch.randint(2, (codes, bits), generator=coins, dtype=torch.uint8).bool()
    x_words, y_words = pack(x), pack(y)
    return Case(
        group=GROUP,
        title=f"{k} of {codes:,} neighbours, {queries:,} x {bits:,} bits",
        sizes={"queries": queries, "codes": codes, "bits": bits, "k": k},
        ours=lambda: HammingNeighbors(k).fit(y_words).kneighbors(x_words),
        baselines=(
            Baseline(
                "torch, +-1 matrix product and topk",
                lambda: reference.pm1_topk(x, y, k),
                partial(_compare, x, y),
            ),
        ),
        rate=Rate(queries * codes * bits / 8 / 1e9, "GB/s of codes"),
    )


def _compare(
    x: Tensor, y: Tensor, ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]
) -> str:
    """Distances must be equal; which of several rows at one distance is found may differ."""
    if not torch.equal(ours[0], theirs[0]):
        raise DisagreementError("distances differ")
    for who, (distances, indices) in {"ours": ours, "theirs": theirs}.items():
        if not torch.equal((x[:, None] ^ y[indices]).sum(-1, dtype=torch.int32), distances):
            raise DisagreementError(f"{who}: indices are not at the distances given")
        if bool((indices.sort(dim=1).values.diff(dim=1) == 0).any()):
            raise DisagreementError(f"{who}: a neighbour stands twice")
    return ""

"""Certified crossings of many random and adversarial small networks against the oracle.

    python tests/certify_run.py [NETWORKS [FIRST_SEED]]

prints what certified, what it cost, and every disagreement: there must be none.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from time import perf_counter

import torch

import adversarial
import oracle
from splinecode import crossings


def disagrees(seed: int, kind: str = "") -> tuple[str, bool, bool, float, float, str]:
    """Return (kind, open in float64, certified, seconds plain, seconds certified, fault)."""
    kind, network, a, b = adversarial.case(seed, kind)
    crossings(network, a, b)
    start = perf_counter()
    plain = crossings(network, a, b)
    middle = perf_counter()
    found = crossings(network, a, b, certify=True)
    end = perf_counter()
    certified = bool(found.certified.all())
    wrong = ""
    if certified:
        exact = oracle.crossings(
            oracle.nodes_of(network), *oracle.exactly(torch.stack([a, b]).flatten(1))
        )
        wrong = difference(found, exact)
    is_open = bool(plain.ambiguous.any())
    return kind, is_open, certified, middle - start, end - middle, wrong


def difference(found, exact) -> str:  # type: ignore[no-untyped-def]
    """Say where certified crossings differ from the oracle's."""
    columns = (found.layer.tolist(), found.unit.tolist(), found.direction.tolist())
    if list(zip(*columns, strict=True)) != [tuple(event[1:]) for event in exact.events]:
        return "other crossings, or another order"
    for lo, hi, event in zip(found.t_lo.tolist(), found.t_hi.tolist(), exact.events, strict=True):
        if not lo <= event.t <= hi:
            return f"t = {float(event.t)} is not in [{lo}, {hi}]"
    for i, (event, after) in enumerate(pairwise(exact.events)):
        between_two_floats = found.exact_t(i) is not None and found.exact_t(i + 1) is not None
        if event.t < after.t and found.t_hi[i] >= found.t_lo[i + 1] and not between_two_floats:
            return f"the enclosures of {float(event.t)} and {float(after.t)} meet"
    wanted = [[bit for layer in piece for bit in layer] for piece in exact.codes]
    codes = found.codes().bits().tolist()
    if codes != wanted and len({float(t) for t in exact.knots}) == len(exact.knots):
        return "other codes"
    return ""


def main(networks: int = 20_000, first: int = 0) -> int:
    torch.set_num_threads(1)
    count, opened, certified = Counter(), Counter(), Counter()
    wrong, plain_seconds, certify_seconds = 0, 0.0, 0.0
    for seed in range(first, first + networks):
        kind, is_open, proven, plain, proving, fault = disagrees(seed)
        count[kind] += 1
        opened[kind] += is_open
        certified[kind] += proven
        plain_seconds += plain
        certify_seconds += proving
        if fault:
            wrong += 1
            print(f"seed {seed} ({kind}): {fault}", flush=True)
    for kind in adversarial.KINDS:
        print(
            f"{kind:8} {count[kind]:6,} networks, {opened[kind]:6,} open after the sweep, "
            f"{certified[kind]:6,} certified"
        )
    print(f"{wrong} disagreements; plain {plain_seconds:.1f} s, certified {certify_seconds:.1f} s")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])) > 0)

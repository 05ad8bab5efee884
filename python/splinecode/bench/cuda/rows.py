"""What goes through codes once, or a few times: bits, pairs, counts, distinct codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ... import Codes, cofiring, firing_counts, hamming, reference, unpack
from ..case import Baseline, Case, Floor, Rate
from ..timing import Call
from . import baselines
from .checks import need_equal, same_answers, some
from .data import coins, signs
from .place import Place

GROUP = "rows"
_BITS = 1024


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    bits = 128 if quick else _BITS

    def rows(full: int) -> int:
        return 300 if quick else full

    return [
        partial(_unpack, place, rows(2_000_000), bits),
        partial(_paired, place, rows(8_000_000), bits),
        partial(_firing, place, rows(8_000_000), bits),
        partial(_cofiring, place, rows(1_000_000), bits),
        partial(_unique, place, rows(4_000_000), bits),
    ]


def _unpack(place: Place, rows: int, bits: int) -> Case:
    rows = place.fitting(rows, 4 * bits)
    words = coins(place, rows, bits, seed=0)
    shifts = torch.arange(8, dtype=torch.uint8, device=place.device)

    def by_shifts() -> Tensor:
        octets = words.view(torch.uint8)[..., None]
        return ((octets >> shifts) & 1).view(torch.bool).view(rows, bits)

    return _case(
        f"unpacking {rows:,} x {bits:,} bits",
        {"rows": rows, "bits": bits},
        lambda: unpack(words, bits),
        (Baseline("torch, shifts", by_shifts, same_answers),),
        Rate(rows * bits / 1e9, "GB/s out"),
        {"write": rows * bits, "read": rows * bits / 8},
        check=_row_check("bits", partial(unpack, n_bits=bits), words),
    )


def _paired(place: Place, rows: int, bits: int) -> Case:
    rows = place.fitting(rows, bits / 2)
    a, b = (coins(place, rows, bits, seed) for seed in (0, 1))
    few = min(rows, 200_000)
    a_bits, b_bits = (unpack(words[:few], bits) for words in (a, b))
    label = f"torch on bools, of {few:,} alone"

    def need_same_first(ours: Tensor, theirs: Tensor) -> str:
        need_equal("distances", ours[:few], theirs)
        return "as many times less work" if few < rows else ""

    return _case(
        f"distances of {rows:,} pairs of {bits:,} bits",
        {"rows": rows, "bits": bits},
        lambda: hamming(a, b),
        (Baseline(label, lambda: reference.paired(a_bits, b_bits), need_same_first),),
        Rate(rows * bits / 4 / 1e9, "GB/s in"),
        {"read": rows * bits / 4},
        _read(a, b),
        _row_check("distances", hamming, a, b),
    )


def _firing(place: Place, rows: int, bits: int) -> Case:
    rows = place.fitting(rows, bits / 4)
    words = coins(place, rows, bits, seed=0)
    few = min(rows, 200_000)
    some_bits = unpack(words[:few], bits)

    def check(ours: Tensor) -> None:
        need_equal("counts", ours, firing_counts(words.cpu()))

    def need_sum(ours: Tensor, theirs: Tensor) -> str:
        need_equal("counts", firing_counts(words[:few]), theirs)
        return "as many times less work" if few < rows else ""

    return _case(
        f"how often each of {bits:,} units fires in {rows:,} codes",
        {"rows": rows, "bits": bits},
        lambda: firing_counts(words),
        (Baseline(f"torch on bools, of {few:,} alone", lambda: some_bits.sum(0), need_sum),),
        Rate(rows * bits / 8 / 1e9, "GB/s in"),
        {"read": rows * bits / 8},
        _read(words),
        check,
    )


def _cofiring(place: Place, rows: int, bits: int) -> Case:
    rows = place.fitting(rows, 3 * bits)
    words = coins(place, rows, bits, seed=0)
    active = signs(words, torch.bfloat16).add_(1).mul_(0.5)

    def product() -> Tensor:
        """Counts up to 2**24 are exact in float32."""
        return baselines.wide_product(active.T, active.T).to(torch.int32)

    def need_counts(ours: Tensor, theirs: Tensor) -> str:
        need_equal("counts", ours.to(torch.int32), theirs)
        return ""

    return _case(
        f"co-firing of {bits:,} units in {rows:,} codes",
        {"rows": rows, "bits": bits},
        lambda: cofiring(words),
        (Baseline("torch, bfloat16 product of bits", product, need_counts),),
        Rate(rows * bits * bits / 1e12, "T pairs/s"),
        {"read": rows * bits / 8, "b1": float(rows) * bits * bits / 2},
    )


def _unique(place: Place, rows: int, bits: int) -> Case:
    """A quarter of the codes are distinct."""
    rows = place.fitting(rows, bits)
    distinct = coins(place, max(1, rows // 4), bits, seed=0)
    drawn = torch.randint(len(distinct), (rows,), device=place.device)
    words = distinct.view(torch.int64)[drawn].view(torch.uint64)
    codes = Codes.from_words(words, bits)
    first = Codes.from_words(words[: min(rows, 20_000)], bits)

    def check(ours: Any) -> None:
        on_host = Codes.from_words(first.words.cpu(), bits).unique()
        found = first.unique()
        need_equal("codes", found.codes.words, on_host.codes.words)
        need_equal("inverse", found.inverse, on_host.inverse)
        need_equal("counts", found.counts, on_host.counts)
        same = ours.codes.words.view(torch.int64)[ours.inverse].view(torch.uint64)
        need_equal("codes[inverse]", same, words)

    def theirs() -> Any:
        return torch.unique(words.view(torch.int64), dim=0, return_inverse=True, return_counts=True)

    def need_as_many(ours: Any, theirs: Any) -> str:
        need_equal("sorted counts", ours.counts.sort().values, theirs[2].sort().values)
        return f"{len(theirs[2]):,} distinct"

    return _case(
        f"distinct of {rows:,} codes of {bits:,} bits",
        {"rows": rows, "bits": bits},
        codes.unique,
        (Baseline("torch.unique of int64 words", theirs, need_as_many),),
        Rate(rows * bits / 8 / 1e9, "GB/s in"),
        {"read": rows * bits / 8},
        _read(words),
        check,
    )


def _case(
    title: str,
    sizes: dict[str, int | str],
    ours: Call,
    beside: tuple[Baseline, ...],
    rate: Rate,
    needs: dict[str, float],
    floor: Floor | None = None,
    check: Callable[[Any], None] | None = None,
) -> Case:
    return Case(GROUP, title, sizes, ours, beside, rate, floor, check, needs)


def _read(*words: Tensor) -> Floor:
    values = [one.view(torch.float32) for one in words]
    return Floor("reading the codes (torch.sum)", lambda: [one.sum() for one in values])


def _row_check(name: str, call: Callable[..., Tensor], *words: Tensor) -> Callable[[Tensor], None]:
    """Return a check of a few rows of an answer that has a row for each row of the words."""

    def check(ours: Tensor) -> None:
        chosen = some(len(words[0]))
        need_equal(name, ours.cpu()[chosen], call(*(one.cpu()[chosen] for one in words)))

    return check

"""What this card allows, measured in the same run, and how near each case comes to it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ... import _core
from ..case import Result
from ..timing import Call, repeats_for
from .place import Place

_SAMPLES = 5
_PROBE_BYTES, _QUICK_BYTES = 2 << 30, 1 << 20
_PRODUCT_SIDE, _QUICK_SIDE = 8192, 64
_DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}


@dataclass(frozen=True)
class Roof:
    """Work a second, `per_second` in `unit`; None where it was not measured, and `meaning` why.

    A case's `needs` name roofs by `short`.
    """

    short: str
    unit: str
    meaning: str
    per_second: float | None


def measure(place: Place, quick: bool) -> list[Roof]:
    """Measure every roof: some seconds in all. The data are random: zeros draw less power."""
    size = _QUICK_BYTES if quick else place.fitting(_PROBE_BYTES, 3)
    roofs: list[Roof] = []
    for short, unit, meaning, work, make in _probes(place, size, quick):
        try:
            call = make()
            call()
            roofs.append(Roof(short, unit, meaning, work / _seconds(place, call)))
        except (RuntimeError, NotImplementedError) as error:
            roofs.append(_not_measured(short, unit, str(error).splitlines()[0]))
    return [*roofs, *_bit_products(0.01 if quick else 1.0)]


def busy(place: Place) -> Callable[[], None]:
    """Return what keeps the card at work for some milliseconds and waits for it."""
    side = _PRODUCT_SIDE if place.device.type == "cuda" else _QUICK_SIDE
    product = _product(place, side, torch.bfloat16)

    def work() -> None:
        float(product().view(-1)[0])

    return work


def _probes(
    place: Place, size: int, quick: bool
) -> Iterator[tuple[str, str, str, float, Callable[[], Call]]]:
    side = _QUICK_SIDE if quick else _PRODUCT_SIDE
    products = float(side) ** 3
    yield "read", "bytes", "reading device memory (torch.sum)", size, lambda: _read(place, size)
    yield "write", "bytes", "writing device memory (fill_)", size, lambda: _write(place, size)
    yield (
        *("copy", "bytes", "copying on the device: bytes read and bytes written", 2 * size),
        lambda: _copy(place, size),
    )
    yield (
        *("host", "bytes", "copying from pinned host memory to the device", size),
        lambda: _from_host(place, size),
    )
    for short, dtype in _DTYPES.items():
        yield (
            *(short, "products", f"{short} matrix product {side}^3: multiply-adds", products),
            partial(_product, place, side, dtype),
        )
    yield (
        *("int8", "products", f"torch._int_mm {side}^3: multiply-adds", products),
        lambda: _int8_product(place, side),
    )


def _bit_products(seconds: float) -> list[Roof]:
    """Measure the tensor cores on single bits, where the compiled core has a probe for it."""
    unit = "products"
    probe = getattr(getattr(_core, "cuda", None), "probe_b1", None)
    if probe is None:
        return [_not_measured("b1", unit, "this build has no probe of bit products")]
    try:
        rate = float(probe(seconds))
    except (RuntimeError, ValueError) as error:
        return [_not_measured("b1", unit, str(error))]
    return [Roof("b1", unit, "bit products of the tensor cores: and, count, add", rate)]


def _not_measured(short: str, unit: str, why: str) -> Roof:
    return Roof(short, unit, f"not measured: {why}", None)


def _seconds(place: Place, call: Call) -> float:
    repeats = repeats_for(call, place.stopwatch)
    return statistics.median(place.stopwatch(call, repeats) for _ in range(_SAMPLES))


def _noise(place: Place, size: int) -> Tensor:
    return torch.randn(size // 4, device=place.device)


def _read(place: Place, size: int) -> Call:
    z = _noise(place, size)
    return z.sum


def _write(place: Place, size: int) -> Call:
    z = torch.empty(size // 4, device=place.device)
    return lambda: z.fill_(0.7)


def _copy(place: Place, size: int) -> Call:
    source = _noise(place, size)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def _from_host(place: Place, size: int) -> Call:
    source = torch.randn(size // 4, pin_memory=place.device.type == "cuda")
    target = torch.empty(size // 4, device=place.device)
    return lambda: target.copy_(source, non_blocking=True)


def _product(place: Place, side: int, dtype: torch.dtype) -> Call:
    a, b = torch.randn(2, side, side, device=place.device, dtype=dtype)
    return lambda: a @ b


def _int8_product(place: Place, side: int) -> Call:
    a, b = torch.randint(-128, 128, (2, side, side), device=place.device, dtype=torch.int8)
    return lambda: torch._int_mm(a, b.T)


# --- cases beside them ------------------------------------------------------------------------


def shares(result: Result, roofs: Sequence[Roof]) -> dict[str, float]:
    """Return what share of each roof that a case needs its median reached, 1 being all of it."""
    rates = {roof.short: roof.per_second for roof in roofs}
    return {
        short: work / rate / result.ours.median
        for short, work in result.case.needs.items()
        if (rate := rates.get(short))
    }


def text(roofs: Sequence[Roof], results: Sequence[Result]) -> str:
    """Return the roofs, and the share of each that every case reached."""
    lines = ["Limits of this card, measured in this run, a second:"]
    for roof in roofs:
        rate = f"{roof.per_second / 1e12:9.3f} T {roof.unit}" if roof.per_second else f"{'-':>9}"
        lines.append(f"  {roof.short:<6}{rate:<20}  {roof.meaning}")
    if not results:
        return "\n".join(lines)
    reached = [(result.case.title, shares(result, roofs)) for result in results]
    width = max(len(title) for title, _ in reached)
    lines += ["", f"{'Share of each limit that a case needs':<{width}}"]
    for title, of in reached:
        told = "  ".join(f"{short} {share:.3f}" for short, share in of.items())
        lines.append(f"{title:<{width}}  {told}")
    return "\n".join(lines)

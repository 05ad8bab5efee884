"""What this processor allows a comparison of codes, and how near each case comes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import _core
from ..runtime import get_threads, threads
from .case import Result

UNIT = "GB/s of codes"


@dataclass(frozen=True)
class Limit:
    """Bytes a second of one thread and of all threads.

    `short` heads a column; `meaning` says what comparing a byte of codes costs of it.
    """

    short: str
    meaning: str
    one_thread: float
    all_threads: float


def measure(seconds: float) -> list[Limit]:
    """Measure every limit with the instruction set in use, about `seconds` in all."""
    probes = _probes()
    share = seconds / (2 * len(probes))
    limits = []
    for short, (meaning, probe) in probes.items():
        rates = []
        for n in (1, get_threads()):
            with threads(n):
                rates.append(probe(share))
        limits.append(Limit(short, meaning, *rates))
    return limits


def _probes() -> dict[str, tuple[str, Callable[[float], float]]]:
    half_l1, half_l2 = (_core.cache_bytes(level) // 2 for level in (1, 2))
    return {
        "popcount": (
            "xor, count and sum, from L1: what comparing pair by pair reaches",
            _core.probe_popcount,
        ),
        "L1": (
            "loads from L1: a byte of codes a byte; look-up tables of 5 bits x 64 queries a "
            "32-byte load, 1.25 bytes",
            lambda seconds: _core.probe_cache(half_l1, seconds),
        ),
        "L2": (
            "loads from L2: a byte of codes a byte for each query that is not in registers",
            lambda seconds: _core.probe_cache(half_l2, seconds),
        ),
        "shuffle": ("bytes looked up in registers: half a byte of codes each", _core.probe_shuffle),
        "memory": (
            "reads from memory: as many bytes of codes as queries share a read",
            _core.probe_memory,
        ),
    }


def text(limits: Sequence[Limit], results: Sequence[Result]) -> str:
    """Return the limits, and the share of each that every case of codes reached."""
    lines = [f"Limits of this processor, GB/s: 1 thread, {get_threads()} threads"]
    for limit in limits:
        rates = f"{limit.one_thread / 1e9:6.1f} {limit.all_threads / 1e9:6.1f}"
        lines.append(f"  {limit.short:<9}{rates}  {limit.meaning}")
    compared = [result for result in results if result.case.rate and _of_codes(result)]
    if compared:
        width = max(len(result.case.title) for result in compared)
        heads = "".join(f"{limit.short:>10}" for limit in limits)
        lines += ["", f"{'Codes compared':<{width}}{'GB/s':>10}{heads}"]
    for result in compared:
        rate = result.rate(result.ours) or 0.0
        shares = "".join(f"{rate * 1e9 / limit.all_threads:9.2f}x" for limit in limits)
        lines.append(f"{result.case.title:<{width}}{rate:10.1f}{shares}")
    return "\n".join(lines)


def _of_codes(result: Result) -> bool:
    return result.case.rate is not None and result.case.rate.unit == UNIT

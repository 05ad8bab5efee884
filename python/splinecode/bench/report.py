"""What a run prints and writes."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import _core
from . import peers
from .case import Result
from .timing import Paired, Spread

Line = tuple[str, str, str, str, str, str]

_PREFIXES = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def machine() -> dict[str, Any]:
    """Describe what a measurement depends on: processor, threads, versions."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "threads": _core.threads(),
        "simd": _core.simd(),
        "splinecode": _core.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "peers": peers.versions(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def heading(about: dict[str, Any]) -> str:
    """Return the lines above the table."""
    installed = {name: version for name, version in about["peers"].items() if version}
    missing = [name for name in about["peers"] if name not in installed]
    libraries = {name: about[name] for name in ("splinecode", "torch", "numpy")} | installed
    return (
        ", ".join(f"{name} {version}" for name, version in libraries.items())
        + f"; {about['processor']}, {about['threads']} threads, {about['simd']}\n"
        + _not_installed(missing)
        + "Medians of interleaved rounds; 'x ours' is the median (least to largest) of the "
        "ratios to ours, taken side by side."
    )


def _not_installed(missing: list[str]) -> str:
    if not missing:
        return ""
    return f"Not installed, so not compared with: {', '.join(missing)} (extra [bench]).\n"


def table(results: Sequence[Result]) -> str:
    """Return the results as aligned text: a block of lines a case."""
    lines: list[Line] = [("", "median", "rate", "x ours", "rounds", "")]
    for result in results:
        lines.extend(_lines(result))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join(
        "  ".join(
            [
                line[0].ljust(widths[0]),
                line[1].rjust(widths[1]),
                line[2].ljust(widths[2]),
                line[3].rjust(widths[3]),
                line[4].rjust(widths[4]),
                line[5],
            ]
        ).rstrip()
        for line in lines
    )


def in_short(result: Result) -> str:
    """Return our time and the ratios of the rest to it, for who does not wait for the table."""
    others = [(baseline.label, paired) for baseline, paired, _ in result.baselines]
    if result.case.floor and result.floor:
        others.append((f"floor: {result.case.floor.label}", result.floor))
    ratios = [f"{label} {_digits(paired.ratio.median)}x" for label, paired in others]
    return f"{_time(result.ours.median)}; {'; '.join(ratios)}"


def _lines(result: Result) -> Iterator[Line]:
    yield result.case.title, _time(result.ours.median), _rate(result, result.ours), "", "", ""
    for baseline, paired, remark in result.baselines:
        yield _line(result, baseline.label, paired, remark)
    if result.case.floor and result.floor:
        yield _line(result, f"floor: {result.case.floor.label}", result.floor, "")


def _line(result: Result, label: str, paired: Paired, remark: str) -> Line:
    ratio = paired.ratio
    text = f"{_digits(ratio.median)} ({_digits(ratio.min)} to {_digits(ratio.max)})"
    return (
        f"  {label}",
        _time(paired.seconds.median),
        _rate(result, paired.seconds),
        text,
        str(paired.rounds),
        remark,
    )


def _rate(result: Result, seconds: Spread) -> str:
    rate = result.rate(seconds)
    return f"{_digits(rate)} {result.case.rate.unit}" if rate and result.case.rate else ""


def _time(seconds: float) -> str:
    unit, scale = next(((u, s) for u, s in _PREFIXES if seconds >= s), _PREFIXES[-1])
    return f"{_digits(seconds / scale)} {unit}"


def _digits(value: float) -> str:
    """Write a positive number with three digits, and whole above a hundred."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def document(
    about: dict[str, Any],
    results: Sequence[Result],
    limits: Sequence[Any],
    seconds: float,
    quick: bool,
) -> dict[str, Any]:
    """Return everything measured, for JSON; times in seconds, limits as their dataclasses say."""
    return {
        "machine": about,
        "seconds": seconds,
        "quick": quick,
        "limits": [asdict(limit) for limit in limits],
        "cases": [_case_json(result) for result in results],
    }


def _case_json(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "group": case.group,
        "title": case.title,
        "sizes": dict(case.sizes),
        "rate_unit": case.rate.unit if case.rate else None,
        "ours": {"seconds": asdict(result.ours), "rate": result.rate(result.ours)},
        "baselines": [
            {"label": baseline.label, **_paired_json(result, paired), "remark": remark}
            for baseline, paired, remark in result.baselines
        ],
        "floor": (
            {"label": case.floor.label, **_paired_json(result, result.floor)}
            if case.floor and result.floor
            else None
        ),
    }


def _paired_json(result: Result, paired: Paired) -> dict[str, Any]:
    return {**asdict(paired), "rate": result.rate(paired.seconds)}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a document as `write_atomically` does."""
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is either the old one or all of the new one, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

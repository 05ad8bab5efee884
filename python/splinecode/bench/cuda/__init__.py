"""``python -m splinecode bench --device cuda``: every function of the GPU beside torch's.

Before a case is timed, ours is held to the CPU engine on a few rows and to every baseline on all.
A case that fails is reported and does not stop the others; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .. import report
from ..case import Case, DisagreementError, Result, measure
from ..choice import choose
from . import (
    machine,
    matrices,
    packing,
    parts,
    place,
    processor,
    roofs,
    rows,
    search,
    segments,
    streaming,
)
from .place import Place
from .roofs import Roof

_MODULES = (segments, packing, search, matrices, rows, streaming, processor)
GROUPS = tuple(module.GROUP for module in _MODULES)
_SECONDS_PER_CASE, _QUICK_SECONDS = 1.0, 1.0
_FAILURES = (RuntimeError, ValueError, TypeError, AttributeError, MemoryError)
"""What a function that is missing, refuses or breaks raises, the CUDA runtime's errors included."""


@dataclass
class Run:
    """What a run has found so far; `settings` are its seconds and whether it is a quick one.

    `parts` are the shares of the time of each case, where `profile` asks for them.
    """

    about: dict[str, Any]
    settings: tuple[float, bool]
    limits: list[Roof]
    profile: bool = False
    results: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    parts: list[dict[str, float] | None] = field(default_factory=list)

    def document(self, cases_left: int) -> dict[str, Any]:
        """Return what is written as JSON."""
        written = report.document(self.about, self.results, self.limits, *self.settings)
        for case, result, of in zip(written["cases"], self.results, self.parts, strict=True):
            case["needs"] = dict(result.case.needs)
            case["shares"] = roofs.shares(result, self.limits)
            case["parts"] = of
        return {**written, "failures": self.failures, "cases_left": cases_left}

    def text(self) -> str:
        """Return what is printed."""
        return "\n".join(
            [
                machine.heading(self.about),
                report.table(self.results),
                "",
                roofs.text(self.limits, self.results),
                *self._parts_text(),
                *(f"FAILED: {failure}" for failure in self.failures),
            ]
        )

    def _parts_text(self) -> list[str]:
        """Return the lines of a profile."""
        told = [
            f"{result.case.title}  {parts.text(of)}"
            for result, of in zip(self.results, self.parts, strict=True)
            if of
        ]
        return ["", "Share of the time of a call, by torch's profiler", *told] if told else []


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status: 1 if a case failed, 2 if none can run."""
    where = place.find()
    if isinstance(where, str):
        print(f"bench: {where}", file=sys.stderr)
        return 2
    chosen = choose(_builders(where, options.only, options.quick), options.case)
    seconds = options.seconds or (
        _QUICK_SECONDS if options.quick else _SECONDS_PER_CASE * len(chosen)
    )
    about = machine.describe(where.device, roofs.busy(where))
    limits = roofs.measure(where, options.quick)
    print(roofs.text(limits, []), file=sys.stderr, flush=True)
    found = Run(about, (seconds, options.quick), limits, options.profile)
    _measure_all(where, chosen, found, options.json)
    print(found.text())
    return 1 if found.failures else 0


def _builders(where: Place, only: Sequence[str], quick: bool) -> list[partial[Case]]:
    return [
        builder
        for module in _MODULES
        if not only or module.GROUP in only
        for builder in module.cases(where, quick)
    ]


def _measure_all(
    where: Place, builders: dict[int, partial[Case]], found: Run, path: Path | None
) -> None:
    """Measure one case after the other, and write after each: a run may be cut off."""
    for done, (number, build) in enumerate(builders.items()):
        try:
            _measure_one(where, number, build, found, len(builders))
        except (DisagreementError, *_FAILURES) as error:
            kind = "" if isinstance(error, DisagreementError) else f"{type(error).__name__}: "
            found.failures.append(f"case {number}: {kind}{error}")
            print(f"  FAILED: {found.failures[-1]}", file=sys.stderr, flush=True)
            _let_go(where)
        if path:
            report.write_json(path, found.document(len(builders) - done - 1))


def _measure_one(where: Place, number: int, build: partial[Case], found: Run, cases: int) -> None:
    """Build, check, time and perhaps profile a case; its data are gone afterwards."""
    case = build()
    print(f"[case {number}] {case.title}", file=sys.stderr, flush=True)
    result = measure(case, found.settings[0] / cases, where.stopwatch)
    print(f"  {report.in_short(result)}", file=sys.stderr, flush=True)
    found.results.append(result.without_calls())
    found.parts.append(None)
    if found.profile:
        found.parts[-1] = parts.parts(case.ours)


def _let_go(where: Place) -> None:
    """Free what a failed case left behind: the next may need the memory."""
    gc.collect()
    if where.device.type == "cuda":
        torch.cuda.empty_cache()

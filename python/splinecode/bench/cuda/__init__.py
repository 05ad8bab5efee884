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

import torch

from .. import report
from ..case import Case, DisagreementError, Result, measure
from ..choice import choose
from . import machine, matrices, packing, place, processor, roofs, rows, search, streaming
from .place import Place

_MODULES = (packing, search, matrices, rows, streaming, processor)
GROUPS = tuple(module.GROUP for module in _MODULES)
_SECONDS_PER_CASE, _QUICK_SECONDS = 1.0, 1.0


@dataclass
class Run:
    """What a run has found so far."""

    results: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


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
    found = _measured(where, chosen, seconds)
    print(machine.heading(about))
    print(report.table(found.results))
    print(f"\n{roofs.text(limits, found.results)}")
    for failure in found.failures:
        print(f"FAILED: {failure}")
    if options.json:
        document = report.document(about, found.results, limits, seconds, options.quick)
        for case, more in zip(document["cases"], roofs.as_json(found.results, limits), strict=True):
            case.update(more)
        document["failures"] = found.failures
        report.write_json(options.json, document)
    return 1 if found.failures else 0


def _builders(where: Place, only: Sequence[str], quick: bool) -> list[partial[Case]]:
    return [
        builder
        for module in _MODULES
        if not only or module.GROUP in only
        for builder in module.cases(where, quick)
    ]


def _measured(where: Place, builders: dict[int, partial[Case]], seconds: float) -> Run:
    """Build, check and time one case after the other."""
    found = Run()
    for number, build in builders.items():
        try:
            case = build()
            print(f"[case {number}] {case.title}", file=sys.stderr, flush=True)
            result = measure(case, seconds / len(builders), where.stopwatch)
        except DisagreementError as error:
            found.failures.append(f"case {number}: {error}")
        except (RuntimeError, ValueError, TypeError, AttributeError, MemoryError) as error:
            found.failures.append(f"case {number}: {type(error).__name__}: {error}")
        else:
            print(f"  {report.in_short(result)}", file=sys.stderr, flush=True)
            found.results.append(result.without_calls())
            continue
        print(f"  FAILED: {found.failures[-1]}", file=sys.stderr, flush=True)
        _let_go(where)
    return found


def _let_go(where: Place) -> None:
    """Free what a failed case left behind: the next may need the memory."""
    gc.collect()
    if where.device.type == "cuda":
        torch.cuda.empty_cache()

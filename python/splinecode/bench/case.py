"""A case: our function, the baselines that must agree with it, and what the machine allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from .timing import Call, Paired, Spread, Stopwatch, interleave, wall_seconds


class DisagreementError(Exception):
    """Ours and a baseline gave different answers: their times mean nothing."""


@dataclass(frozen=True)
class Baseline:
    """What a user would write without splinecode.

    `compare(ours, theirs)` raises DisagreementError, or returns a remark to print ("" for none).
    The work of ours takes `scale` times as long as `call`, a sample of it.
    """

    label: str
    call: Call
    compare: Callable[[Any, Any], str]
    scale: float = 1.0


@dataclass(frozen=True)
class Floor:
    """The part of the work that no implementation can avoid, timed alone.

    It takes `scale` times as long as `call`, a sample of the same kind of work.
    """

    label: str
    call: Call
    scale: float = 1.0


@dataclass(frozen=True)
class Rate:
    """Work of one call in `unit`s: work / seconds is what the table shows."""

    work: float
    unit: str


@dataclass(frozen=True)
class Case:
    """One row group of the table. `group` is what the command line's NAMEs choose by.

    `check` is given ours once, before anything is timed: it raises DisagreementError. `needs` is
    the work of one call by the name of a limit of the machine: bytes read, products and so on.
    `found` is what ours answers where it was called already: long calls are not made once more.
    """

    group: str
    title: str
    sizes: Mapping[str, int | str]
    ours: Call
    baselines: tuple[Baseline, ...]
    rate: Rate | None = None
    floor: Floor | None = None
    check: Callable[[Any], None] | None = None
    needs: Mapping[str, float] = field(default_factory=dict)
    found: Any = None


@dataclass(frozen=True)
class Result:
    """What a case took: ours, and each baseline with its remark; the floor where there is one."""

    case: Case
    ours: Spread
    baselines: list[tuple[Baseline, Paired, str]]
    floor: Paired | None = field(default=None)

    def rate(self, seconds: Spread) -> float | None:
        """Return the work a second at the median."""
        return self.case.rate.work / seconds.median if self.case.rate else None

    def without_calls(self) -> Result:
        """Return the result alone: calls hold data, of which one case's is enough in memory."""
        case = self.case
        floor = replace(case.floor, call=_spent) if case.floor else None
        case = replace(case, ours=_spent, baselines=(), floor=floor, check=None, found=None)
        baselines = [
            (replace(baseline, call=_spent, compare=_spent), paired, remark)
            for baseline, paired, remark in self.baselines
        ]
        return replace(self, case=case, baselines=baselines)


def _spent(*_: Any) -> Any:
    raise RuntimeError("this case was measured: its calls are gone")


def measure(case: Case, seconds: float, stopwatch: Stopwatch = wall_seconds) -> Result:
    """Check that all baselines agree with ours, then time them for about `seconds`.

    Raises DisagreementError before anything is timed. The check is the warm-up.
    """
    remarks = checked(case)
    calls = [_in_inference_mode(baseline.call) for baseline in case.baselines]
    if case.floor:
        case.floor.call()
        calls.append(_in_inference_mode(case.floor.call))
    ours, paired = interleave(case.ours, calls, seconds, stopwatch=stopwatch)
    count = len(case.baselines)
    return Result(
        case,
        ours,
        [
            (baseline, pair.scaled(baseline.scale), remark)
            for baseline, pair, remark in zip(case.baselines, paired[:count], remarks, strict=True)
        ],
        paired[count].scaled(case.floor.scale) if case.floor else None,
    )


def checked(case: Case) -> list[str]:
    """Call ours and every baseline once and return their remarks; raise DisagreementError."""
    ours = case.ours() if case.found is None else case.found
    try:
        if case.check:
            case.check(ours)
    except DisagreementError as error:
        raise DisagreementError(f"{case.title}: wrong: {error}") from None
    remarks = []
    for baseline in case.baselines:
        theirs = _in_inference_mode(baseline.call)()
        try:
            remarks.append(baseline.compare(ours, theirs))
        except DisagreementError as error:
            raise DisagreementError(
                f"{case.title}: splinecode and {baseline.label} disagree: {error}"
            ) from None
    return remarks


def _in_inference_mode(call: Call) -> Call:
    def run() -> Any:
        with torch.inference_mode():
            return call()

    return run

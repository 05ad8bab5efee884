"""``python -m splinecode bench``: our functions beside what users run today.

Every baseline is checked against ours before it is timed, and timed in turn with ours in one
process: same data and dtype, same number of threads, results allocated by both, torch in inference
mode. Each side starts from its own form of the data: codes are packed words for ours, and bools
for torch; networks are read once. ``--device cuda`` is `splinecode.bench.cuda`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from ..cli.common import positive
from ..runtime import get_threads, threads
from . import (
    clustering,
    cuda,
    growth,
    hamming,
    lens,
    packing,
    report,
    roofline,
    sampling,
    segments,
    slices,
)
from .case import Case, DisagreementError, Result, measure
from .choice import NoSuchCaseError, choose

_CASES = {
    packing.GROUP: packing.cases,
    hamming.GROUP: hamming.cases,
    clustering.GROUP: clustering.cases,
    segments.GROUP: segments.cases,
    growth.GROUP: growth.cases,
    sampling.GROUP: sampling.cases,
    slices.GROUP: slices.cases,
    lens.GROUP: lens.cases,
}
_BESIDE = {segments.GROUP: (sampling.GROUP,)}
"""Groups that a run of a group takes too: exact segments are held to sampling as well."""
_GROUPS = {"cpu": tuple(_CASES), "cuda": cuda.GROUPS}
_SECONDS_PER_CASE, _QUICK_SECONDS = 5.0, 1.0
_PROBE_SECONDS, _QUICK_PROBE_SECONDS = 3.0, 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``splinecode bench``."""
    parser.add_argument(
        "only",
        type=_group,
        nargs="*",
        metavar="NAME",
        help="run only these cases: "
        + "; ".join(f"on {device} {', '.join(names)}" for device, names in _GROUPS.items()),
    )
    parser.add_argument(
        "--device",
        choices=tuple(_GROUPS),
        default="cpu",
        help="what to measure (default: cpu); cuda needs torch with a CUDA device",
    )
    parser.add_argument(
        "--case",
        type=positive,
        action="append",
        metavar="N",
        help="run only the case that a run of the same NAMEs numbers N; may be repeated",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="threads of splinecode and of torch (default: splinecode's)",
    )
    parser.add_argument(
        "--seconds",
        type=_positive,
        metavar="S",
        help="time to spend on measuring all cases, without building and checking "
        f"(default: {_SECONDS_PER_CASE:g} a case)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny sizes, a few seconds: a test of the benchmark, not of speed",
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="on cuda: also tell what share of each call is matrix products, our kernels, torch's",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="PATH",
        help="also write machine, sizes, times and ratios to a file",
    )
    parser.add_argument(
        "--png",
        type=Path,
        metavar="PATH",
        help="also draw the growth cases into a file: time by crossings and by depth",
    )


def _group(text: str) -> str:
    known = sorted({name for names in _GROUPS.values() for name in names})
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(known)}")
    return text


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return number


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status, 1 if a baseline disagrees with ours."""
    if reason := _why_not(options):
        return _refuse(reason)
    with _same_threads(options.threads or get_threads()):
        try:
            return cuda.run(options) if options.device == "cuda" else _run(options)
        except NoSuchCaseError as error:
            return _refuse(str(error))


def _why_not(options: argparse.Namespace) -> str | None:
    """Return what is wrong with options together."""
    for name, path in (("--json", options.json), ("--png", options.png)):
        if path and not path.resolve().parent.is_dir():
            return f"{name} {path}: there is no such folder"
    groups = _GROUPS[options.device]
    if strange := [name for name in options.only if name not in groups]:
        return f"--device {options.device} has no {', '.join(strange)}; it has {', '.join(groups)}"
    if options.profile and options.device != "cuda":
        return "--profile is for --device cuda"
    if options.png and growth.GROUP not in (options.only or groups):
        return f"--png {options.png}: wanted {growth.GROUP} among the NAMEs"
    if options.png and not find_spec("matplotlib"):
        return "--png needs matplotlib: pip install 'splinecode[plots]'"
    return None


def _refuse(reason: str) -> int:
    """Say why nothing is run and return the exit status."""
    print(f"bench: {reason}", file=sys.stderr)
    return 2


def _run(options: argparse.Namespace) -> int:
    """Run the benchmark of the CPU."""
    chosen = choose(_builders(options.only, options.quick), options.case)
    seconds = options.seconds or (
        _QUICK_SECONDS if options.quick else _SECONDS_PER_CASE * len(chosen)
    )
    about = report.machine()
    try:
        results = list(_results(chosen, seconds))
    except DisagreementError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    limits = _limits(results, options.quick)
    print(report.heading(about))
    print(report.table(results))
    if limits:
        print(f"\n{roofline.text(limits, results)}")
    if options.json:
        report.write_json(
            options.json, report.document(about, results, limits, seconds, options.quick)
        )
    if options.png:
        from .growth_figure import write_figure  # noqa: PLC0415  # matplotlib is optional

        write_figure(options.png, results)
    return 0


@contextmanager
def _same_threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threads(n):
            yield
    finally:
        torch.set_num_threads(before)


def _builders(only: list[str], quick: bool) -> list[partial[Case]]:
    beside = [other for group in only for other in _BESIDE.get(group, ())]
    return [
        builder
        for group, cases in _CASES.items()
        if not only or group in only or group in beside
        for builder in cases(quick)
    ]


def _results(builders: dict[int, partial[Case]], seconds: float) -> Iterator[Result]:
    """Build, check and time one case after the other, so that only one's data is in memory."""
    for number, build in builders.items():
        case = build()
        print(f"[case {number}] {case.title}", file=sys.stderr, flush=True)
        result = measure(case, seconds / len(builders))
        print(f"  {report.in_short(result)}", file=sys.stderr, flush=True)
        yield result.without_calls()


def _limits(results: list[Result], quick: bool) -> list[roofline.Limit]:
    """Measure what the processor allows, if codes were compared."""
    if not any(result.case.group == hamming.GROUP for result in results):
        return []
    return roofline.measure(_QUICK_PROBE_SECONDS if quick else _PROBE_SECONDS)

"""``python -m splinecode bench``: our functions beside what users run today.

Every baseline is checked against ours before it is timed, and timed in turn with ours in one
process: same data and dtype, same number of threads, results allocated by both, torch in inference
mode. Each side starts from its own form of the data: codes are packed words for ours, and bools
for torch; networks are read once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from ..runtime import get_threads, threads
from . import clustering, hamming, packing, report, roofline, sampling, segments
from .case import Case, DisagreementError, Result, measure

_MODULES = (packing, hamming, clustering, segments, sampling)
_SECONDS_PER_CASE, _QUICK_SECONDS = 5.0, 1.0
_PROBE_SECONDS, _QUICK_PROBE_SECONDS = 3.0, 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``splinecode bench``."""
    groups = [module.GROUP for module in _MODULES]
    parser.add_argument(
        "only",
        type=_group,
        nargs="*",
        metavar="NAME",
        help=f"run only these cases: {', '.join(groups)}",
    )
    parser.add_argument(
        "--case",
        type=_whole,
        action="append",
        metavar="N",
        help="run only the case that a run of the same NAMEs numbers N; may be repeated",
    )
    parser.add_argument(
        "--threads",
        type=_whole,
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
        "--json",
        type=Path,
        metavar="PATH",
        help="also write machine, sizes, times and ratios to a file",
    )


def _group(text: str) -> str:
    groups = [module.GROUP for module in _MODULES]
    if text not in groups:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(groups)}")
    return text


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return number


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status, 1 if a baseline disagrees with ours."""
    if options.json and not options.json.resolve().parent.is_dir():
        print(f"bench: --json {options.json}: there is no such folder", file=sys.stderr)
        return 2
    builders = _builders(options.only, options.quick)
    numbers = options.case or range(1, len(builders) + 1)
    if not set(numbers) <= set(range(1, len(builders) + 1)):
        print(f"bench: --case {max(numbers)}: there are {len(builders)} cases", file=sys.stderr)
        return 2
    chosen = {number: builders[number - 1] for number in numbers}
    seconds = options.seconds or (
        _QUICK_SECONDS if options.quick else _SECONDS_PER_CASE * len(chosen)
    )
    with _same_threads(options.threads or get_threads()):
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
        text = report.as_json(about, results, limits, seconds, options.quick)
        report.write_atomically(options.json, text)
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
    return [
        builder
        for module in _MODULES
        if not only or module.GROUP in only
        for builder in module.cases(quick)
    ]


def _results(builders: dict[int, partial[Case]], seconds: float) -> Iterator[Result]:
    """Build, check and time one case after the other, so that only one's data is in memory."""
    for number, build in builders.items():
        case = build()
        print(f"[case {number}] {case.title}", file=sys.stderr, flush=True)
        result = measure(case, seconds / len(builders))
        print(f"  {report.in_short(result)}", file=sys.stderr, flush=True)
        yield result


def _limits(results: list[Result], quick: bool) -> list[roofline.Limit]:
    """Measure what the processor allows, if codes were compared."""
    if not any(result.case.group == hamming.GROUP for result in results):
        return []
    return roofline.measure(_QUICK_PROBE_SECONDS if quick else _PROBE_SECONDS)

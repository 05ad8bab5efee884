"""``python -m splinecode bench``: our functions beside what users write in plain PyTorch.

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
from pathlib import Path

import torch

from ..runtime import get_threads, threads
from . import neighbors, packing, report, sampling, segments
from .case import Case, DisagreementError, Result, measure

_MODULES = (packing, neighbors, segments, sampling)
_SECONDS, _QUICK_SECONDS = 45.0, 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``splinecode bench``."""
    groups = [module.GROUP for module in _MODULES]
    parser.add_argument(
        "--only",
        choices=groups,
        action="append",
        metavar="NAME",
        help=f"run only these cases: {', '.join(groups)}; may be repeated",
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
        f"(default {_SECONDS:g})",
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
    seconds = options.seconds or (_QUICK_SECONDS if options.quick else _SECONDS)
    with _same_threads(options.threads or get_threads()):
        about = report.machine()
        try:
            results = list(_results(options.only, options.quick, seconds))
        except DisagreementError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(report.heading(about))
    print(report.table(results))
    if options.json:
        text = report.as_json(about, results, seconds, options.quick)
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


def _results(only: list[str] | None, quick: bool, seconds: float) -> Iterator[Result]:
    """Build, check and time one case after the other, so that only one's data is in memory."""
    builders = [
        builder
        for module in _MODULES
        if not only or module.GROUP in only
        for builder in module.cases(quick)
    ]
    for number, build in enumerate(builders, start=1):
        case: Case = build()
        print(f"[{number}/{len(builders)}] {case.title}", file=sys.stderr, flush=True)
        yield measure(case, seconds / len(builders))

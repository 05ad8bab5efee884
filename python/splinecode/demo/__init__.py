"""``python -m splinecode demo``: two small nets on digits, read through their polytopes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import tqdm  # noqa: F401  # the progress bars need it: say so before the work, not in it

from ..lens import same_and_different_pairs
from . import models
from .figures import draw, write_png
from .report import Report
from .study import study


@dataclass(frozen=True)
class Scale:
    """How much the demo does."""

    epochs: int
    pairs: int
    steps: tuple[int, ...]


FULL = Scale(epochs=30, pairs=150, steps=(16, 128, 1024))
QUICK = Scale(epochs=3, pairs=10, steps=(16, 64))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the demo's options."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="FOLDER",
        help="where the figures go; made if missing (default: %(default)s)",
    )
    parser.add_argument(
        "--pairs",
        type=_positive,
        metavar="N",
        help="segments between digits of one class, and of two classes, each "
        f"(default: {FULL.pairs})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the split, the training and the pairs (default: %(default)s)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a few seconds: short training, few pairs, coarse sampling",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{text} is too few; wanted at least 2")
    return number


def run(options: argparse.Namespace) -> int:
    """Run the demo: 0 if the counts of all segments passed their checks, 1 if not.

    2 if the output folder cannot be written, the digits do not have so many pairs, or the seed is
    negative.
    """
    scale = QUICK if options.quick else FULL
    report = Report()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=options.output).close()  # a folder that cannot be written: say so now
        data = models.digits(options.seed)
        pairs = same_and_different_pairs(data.labels, options.pairs or scale.pairs, options.seed)
    except (OSError, ValueError) as error:
        print(f"splinecode demo: {error}", file=sys.stderr)
        return 2
    passed = True
    written: list[Path] = []
    for name in models.NETS:
        with models.one_torch_thread():
            found = study(
                name,
                data,
                pairs,
                report,
                epochs=scale.epochs,
                steps=scale.steps,
                seed=options.seed,
            )
        passed &= found.passed
        for stem, figure in draw(found, data).items():
            written.append(options.output / f"{stem}.png")
            write_png(figure, written[-1])
    report.heading("figures")
    for path in written:
        print(path)
    report.step("done" if passed else "done; a check of the counts FAILED, see above")
    return 0 if passed else 1

"""``splinecode lens``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..saved import load_labels, load_model
from .common import add_data, add_model, add_sampling, data_for, html_file, positive

EXAMPLES = """\
  splinecode lens model.pt2 digits.npz -o report.html
  splinecode lens nets.py:make_net x.npy --labels y.npy --quick --title 'A small net'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode lens``."""
    add_model(parser)
    add_data(parser)
    parser.add_argument("--labels", metavar="FILE", help="labels (n,), instead of those in DATA")
    parser.add_argument(
        "-o",
        "--output",
        type=html_file,
        default="report.html",
        metavar="FILE.html",
        help="where the report goes: one file that opens offline (default: %(default)s)",
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="title of the report (default: the name of MODEL)"
    )
    parser.add_argument(
        "--limit",
        type=positive,
        default=2000,
        metavar="N",
        help="take at most so many inputs (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few pairs, few resamples: a look in seconds"
    )
    add_sampling(parser)


def run(options: argparse.Namespace) -> int:
    """Run every analysis that applies to the model, and write the report."""
    from ..report import lens_report  # noqa: PLC0415 - help must not wait for torch

    model = load_model(options.model)
    inputs, labels = data_for(model, options.data, options.key)
    if options.labels is not None:
        labels = load_labels(options.labels)
    written = lens_report(
        model,
        inputs,
        labels,
        output=options.output,
        title=options.title or f"{Path(options.model).name} through the polytope lens",
        limit=options.limit,
        seed=options.seed,
        quick=options.quick,
        progress=options.progress,
    )
    print(written)
    return 0

"""``splinecode density``."""

from __future__ import annotations

import argparse

from ..saved import load_labels, load_model
from .common import (
    add_data,
    add_figure,
    add_model,
    add_output,
    add_sampling,
    arrays_of,
    data_for,
    positive,
    write_arrays,
    write_figure,
)

EXAMPLES = """\
  splinecode density model.pt2 digits.npz --pairs 2000 --matched --exact -o density.npz
  splinecode density nets.py:make_net x.npy --labels y.npy --svg density.svg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode density``."""
    add_model(parser)
    add_data(parser)
    parser.add_argument("--labels", metavar="FILE", help="labels (n,), instead of those in DATA")
    parser.add_argument(
        "--pairs",
        type=positive,
        default=1000,
        metavar="N",
        help="pairs of one class, and of two classes, each (default: %(default)s)",
    )
    parser.add_argument(
        "--matched",
        action="store_true",
        help="pairs of two classes at the distances of those of one: density divides by distance",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="also count every crossing between the two: of piecewise-linear networks",
    )
    parser.add_argument("--layers", nargs="+", metavar="GLOB", help="layers by name (default: all)")
    parser.add_argument(
        "--per-bit", action="store_true", help="densities as a share of each layer's bits"
    )
    add_sampling(parser)
    add_output(parser, "pairs, distances, counts, densities and intervals")
    add_figure(parser, "the densities by layer")


def run(options: argparse.Namespace) -> int:
    """Compare pairs of one class and of two, write what was found and print it."""
    from ..lens import boundary_density  # noqa: PLC0415 - help must not wait for torch

    model = load_model(options.model)
    inputs, labels = data_for(model, options.data, options.key)
    if options.labels is not None:
        labels = load_labels(options.labels)
    if labels is None:
        raise ValueError(
            f"{options.data} has no labels; wanted an array y beside the inputs, or --labels FILE"
        )
    found = boundary_density(
        model,
        inputs,
        labels=labels,
        n=options.pairs,
        matched=options.matched,
        exact=options.exact,
        layers=options.layers,
        seed=options.seed,
        progress=options.progress,
    )
    found = found.per_bit() if options.per_bit else found
    write_arrays(options.output, **arrays_of(found))
    if options.png is not None or options.svg is not None:
        from ..plots import boundary_density as draw  # noqa: PLC0415 - an optional dependency

        write_figure(options, draw(found)[0].figure)
    print(found)
    return 0

"""``splinecode codes``."""

from __future__ import annotations

import argparse

from ..arrays import to_host
from ..codes import Codes
from ..saved import load_data, load_model, save_codes
from ..tables import Table, percent
from ..units import firing_rates
from .common import add_data, add_model, add_output, batches_for, positive

EXAMPLES = """\
  splinecode codes model.pt2 images.npy -o codes.npz
  splinecode codes nets.py:make_net digits.npz --key x --layers 'block.*.act' 'head.relu'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode codes``."""
    add_model(parser)
    add_data(parser)
    add_output(parser, "the codes: words, layers, bits")
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="GLOB",
        help="layers by name (default: every activation of the ReLU family, GELU and SiLU)",
    )
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=256,
        metavar="N",
        help="inputs per forward pass (default: %(default)s)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.0,
        metavar="Z",
        help="a bit is z > Z (default: %(default)s)",
    )
    parser.add_argument("--progress", action="store_true", help="show a progress bar (needs tqdm)")


def run(options: argparse.Namespace) -> int:
    """Pack codes, write them and print what there is in each layer."""
    from ..capture import spline_codes  # noqa: PLC0415 - help must not wait for torch

    model = load_model(options.model)
    inputs = load_data(options.data, options.key).inputs
    codes = spline_codes(
        model,
        batches_for(model, inputs, options.batch_size),
        options.layers,
        threshold=options.threshold,
        progress=options.progress,
    )
    codes = Codes(to_host(codes.words), codes.layers)
    if options.output is not None:
        save_codes(options.output, codes)
    print(_table(codes))
    return 0


def _table(codes: Codes) -> Table:
    rows = []
    for layer in codes.layers:
        part = codes.layer(layer.name)
        rates = firing_rates(part)
        rows.append(
            (
                layer.name,
                f"{layer.bits:,}",
                percent(float(rates.mean())) if layer.bits else "",
                f"{int((rates == 0).sum()):,}",
                f"{int((rates == 1).sum()):,}",
                f"{len(part.unique().counts):,}",
            )
        )
    distinct = len(codes.unique().counts)
    title = f"{len(codes):,} codes of {codes.n_bits:,} bits, {distinct:,} distinct"
    return Table(title, ("layer", "units", "active", "never on", "always on", "distinct"), rows)

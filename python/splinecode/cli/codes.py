"""``splinecode codes``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array, to_host
from ..codes import Codes, Layer
from ..progress import progress_bar
from ..saved import load_data, load_model, save_codes
from ..tables import Table, percent
from ..units import firing_counts
from .common import add_data, add_model, add_output, batches_for, positive

if TYPE_CHECKING:
    from ..store import CodeStore

_HEADER = ("layer", "units", "active", "never on", "always on")

EXAMPLES = """\
  splinecode codes model.pt2 images.npy -o codes.npz
  splinecode codes nets.py:make_net digits.npz --key x --layers 'block.*.act' 'head.relu'
  splinecode codes model.pt2 many.npy --store codes/ --progress
  splinecode codes nets.py:make_lm tokens.npy --positions last -o codes.npz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode codes``."""
    add_model(parser)
    add_data(parser)
    add_output(parser, "the codes: words, layers, bits")
    parser.add_argument(
        "--store",
        metavar="FOLDER",
        help="write the codes to a store as they come, in bounded memory; run again, a command "
        "that was ended goes on where the store ends",
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="GLOB",
        help="layers by name (default: every activation of the ReLU family, GELU and SiLU)",
    )
    parser.add_argument(
        "--positions",
        type=_positions,
        metavar="WHICH",
        help="what becomes a code where layers have positions, tokens (inputs, tokens, units) or "
        "pixels (inputs, channels, height, width). Without it an input is a code, of the units at "
        "all positions. 'any': an input is a code, a unit on where it is on at any position. "
        "'last', or the number of a token, from 0 or, negative, from the end: an input is a code, "
        "by that token. 'all': every position is a code, in the order of inputs and positions, "
        "which --store keeps beside the codes",
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

    if options.store is not None and options.output is not None:
        raise ValueError("--store and -o are both given; wanted one place for the codes")
    model = load_model(options.model)
    inputs = load_data(options.data, options.key).inputs
    how = {"positions": options.positions, "threshold": options.threshold}
    with progress_bar(len(inputs), "inputs", options.progress) as advance:
        batches = batches_for(model, inputs, options.batch_size, advance)
        found = spline_codes(model, batches, options.layers, store=options.store, **how)
    if options.store is not None:
        print(_store_table(found))
        return 0
    codes = Codes(to_host(found.words), found.layers)
    if options.output is not None:
        save_codes(options.output, codes)
    print(_table(codes))
    return 0


def _positions(text: str) -> str | int:
    try:
        return text if text in ("last", "all", "any") else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of last, all, any and the number of a token"
        ) from None


def _store_table(store: CodeStore) -> Table:
    """Return what there is in each layer of a store, from one pass over its shards."""
    counts = sum((firing_counts(shard) for shard in store.shards()), np.zeros(store.n_bits, int))
    rows, start = [], 0
    for layer in store.layers:
        mine = counts[start : start + layer.bits]
        start += layer.bits
        rows.append(_row(layer, mine, len(store)))
    title = f"{len(store):,} codes of {store.n_bits:,} bits in {store.path}"
    return Table(title, _HEADER, rows)


def _table(codes: Codes) -> Table:
    rows = []
    for layer in codes.layers:
        part = codes.layer(layer.name)
        row = _row(layer, firing_counts(part), len(codes))
        rows.append((*row, f"{len(part.unique().counts):,}"))
    distinct = len(codes.unique().counts)
    title = f"{len(codes):,} codes of {codes.n_bits:,} bits, {distinct:,} distinct"
    return Table(title, (*_HEADER, "distinct"), rows)


def _row(layer: Layer, counts: Array, codes: int) -> tuple[str, ...]:
    """Return what is told of a layer whose units are on in so many of the codes."""
    return (
        layer.name,
        f"{layer.bits:,}",
        percent(float(counts.mean()) / codes) if layer.bits else "",
        f"{int((counts == 0).sum()):,}",
        f"{int((counts == codes).sum()):,}",
    )

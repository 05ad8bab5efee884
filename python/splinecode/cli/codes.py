"""``splinecode codes``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array, to_host
from ..codes import Codes, Layer
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
    batches = batches_for(model, inputs, options.batch_size)
    how = {"threshold": options.threshold, "progress": options.progress}
    if options.store is not None:
        print(
            _store_table(spline_codes(model, batches, options.layers, store=options.store, **how))
        )
        return 0
    codes = spline_codes(model, batches, options.layers, **how)
    codes = Codes(to_host(codes.words), codes.layers)
    if options.output is not None:
        save_codes(options.output, codes)
    print(_table(codes))
    return 0


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

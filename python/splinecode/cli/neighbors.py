"""``splinecode neighbors``."""

from __future__ import annotations

import argparse

import numpy as np

from ..arrays import Array
from ..neighbors import HammingNeighbors
from ..saved import load_codes
from ..tables import Table
from .common import add_output, positive, write_arrays

EXAMPLES = """\
  splinecode neighbors codes.npz -k 10 -o neighbours.npz     # of each code, itself left out
  splinecode neighbors train.npz test.npz -k 5               # of other codes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode neighbors``."""
    parser.add_argument("codes", metavar="CODES", help="codes.npz, or the folder of a store")
    parser.add_argument(
        "queries",
        metavar="QUERIES",
        nargs="?",
        help="codes to find neighbours of (default: CODES, each without itself)",
    )
    parser.add_argument(
        "-k",
        type=positive,
        default=10,
        metavar="K",
        help="neighbours of each (default: %(default)s)",
    )
    add_output(parser, "distances and indices, (queries, K)")


def run(options: argparse.Namespace) -> int:
    """Find neighbours, write them and print how far they are."""
    index = HammingNeighbors(options.k).fit(load_codes(options.codes))
    queries = load_codes(options.queries) if options.queries is not None else None
    distances, indices = index.kneighbors(queries)
    write_arrays(options.output, distances=distances, indices=indices)
    print(_table(distances))
    print(f"\ncomputed: {', '.join(f'{name} {value}' for name, value in index.stats_.items())}")
    return 0


def _table(distances: Array) -> Table:
    ranks = sorted({0, distances.shape[1] // 2, distances.shape[1] - 1})
    rows = [
        (rank + 1, *(f"{value:,.0f}" for value in np.quantile(distances[:, rank], (0, 0.5, 1))))
        for rank in ranks
    ]
    title = f"Hamming distance of {len(distances):,} codes to their neighbours"
    return Table(title, ("rank", "least", "median", "most"), rows)

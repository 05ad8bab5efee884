"""``splinecode crossings``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, to_host
from ..codes import Codes
from ..hamming import hamming
from ..saved import load_data, load_model
from ..tables import Table
from .common import (
    add_data,
    add_figure,
    add_model,
    add_output,
    in_float64,
    write_arrays,
    write_figure,
)

if TYPE_CHECKING:
    from ..segments import Crossings

EXAMPLES = """\
  splinecode crossings model.pt2 digits.npz --pairs 0:1 2:3 -o crossings.npz --svg first.svg
  splinecode crossings nets.py:make_net --from starts.npy --to ends.npy --certify
"""

_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode crossings``."""
    add_model(parser)
    add_data(parser, optional=True)
    parser.add_argument(
        "--pairs", nargs="+", type=_pair, metavar="I:J", help="segments between inputs of DATA"
    )
    parser.add_argument("--from", dest="starts", metavar="FILE", help="starts of segments (n, ...)")
    parser.add_argument("--to", dest="ends", metavar="FILE", help="ends of segments, as many")
    parser.add_argument(
        "--stop", metavar="MODULE", help="take the output of this module for the network's"
    )
    parser.add_argument(
        "--certify",
        action="store_true",
        help="prove each crossing in exact arithmetic; status 1 if a segment resists",
    )
    add_output(parser, "t, layer, unit, direction, offsets, knots, values, counts")
    add_figure(parser, "the first segment")


def run(options: argparse.Namespace) -> int:
    """Walk segments, write their crossings and print how many there are."""
    from ..reading import read_network  # noqa: PLC0415 - help must not wait for torch
    from ..segments import crossings  # noqa: PLC0415

    starts, ends = _segments(options)
    network = read_network(load_model(options.model), starts[:2], stop=options.stop)
    found = crossings(network, starts, ends, certify=options.certify)
    length = np.linalg.norm((ends - starts).reshape(len(starts), -1), axis=1)
    endpoint = hamming(*(Codes(words, found.layers) for words in found.end_words()), per_layer=True)
    write_arrays(options.output, **_arrays(found, length, endpoint, options))
    if options.png is not None or options.svg is not None:
        write_figure(options, _figure(found))
    print(*_tables(found, length, endpoint, options), sep="\n\n")
    return 0 if not options.certify or found.certified.all() else 1


def _pair(text: str) -> tuple[int, int]:
    first, colon, second = text.partition(":")
    if not colon or not first.isdecimal() or not second.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of inputs such as 0:1")
    return int(first), int(second)


def _segments(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return the ends of all segments, float64 (n, ...)."""
    if (options.starts is None) != (options.ends is None):
        raise ValueError("--from and --to belong together; wanted both")
    if (options.pairs is None) == (options.starts is None):
        raise ValueError("wanted either --pairs, of inputs of DATA, or --from and --to")
    if options.starts is not None:
        starts, ends = (
            in_float64(load_data(path).inputs) for path in (options.starts, options.ends)
        )
        if starts.shape != ends.shape:
            raise ValueError(
                f"--from has shape {starts.shape} and --to {ends.shape}; wanted the same"
            )
        return starts, ends
    if options.data is None:
        raise ValueError("--pairs are of inputs of DATA, which is missing")
    inputs = load_data(options.data, options.key).inputs
    pairs = np.array(options.pairs)
    if pairs.max() >= len(inputs):
        raise ValueError(f"--pairs has input {pairs.max()}; DATA has {len(inputs)}, from 0")
    return in_float64(inputs[pairs[:, 0]]), in_float64(inputs[pairs[:, 1]])


def _arrays(
    found: Crossings, length: Array, endpoint: Array, options: argparse.Namespace
) -> dict[str, Any]:
    proof = ("certified", "t_lo", "t_hi") if options.certify else ()
    columns = ("t", "t_error", "layer", "unit", "direction", "offsets", "ambiguous")
    names = (*columns, "knots", "knot_offsets", "values", *proof)
    return {
        **{name: getattr(found, name) for name in names},
        "counts": found.count(per_layer=True),
        "endpoint_hamming": endpoint,
        "length": length,
        "layers": [layer.name for layer in found.layers],
        "bits": [layer.bits for layer in found.layers],
    }


def _tables(
    found: Crossings, length: Array, endpoint: Array, options: argparse.Namespace
) -> list[Table]:
    counts = to_host(found.count(per_layer=True))
    by_layer = [
        (layer.name, layer.bits, f"{exact:,}", f"{ends:,}")
        for layer, exact, ends in zip(
            found.layers, counts.sum(axis=0), endpoint.sum(axis=0), strict=True
        )
    ]
    sure = found.certified if options.certify else ~found.ambiguous
    by_segment = [
        (s, f"{length[s]:.4g}", f"{counts[s].sum():,}", f"{endpoint[s].sum():,}", _yes(sure[s]))
        for s in range(min(len(found), _SHOWN))
    ]
    rest = f" (the first {_SHOWN})" if len(found) > _SHOWN else ""
    return [
        Table(
            f"{counts.sum():,} exact crossings on {len(found):,} segments",
            ("layer", "bits", "exact crossings", "endpoint Hamming"),
            by_layer,
        ),
        Table(
            f"segments{rest}",
            (
                "segment",
                "length",
                "exact crossings",
                "endpoint Hamming",
                "certified" if options.certify else "unambiguous",
            ),
            by_segment,
        ),
    ]


def _yes(sure: Any) -> str:
    return "yes" if sure else "no"


def _figure(found: Crossings) -> Any:
    """Return the figure of the first segment."""
    from ..plots import segment_crossings  # noqa: PLC0415 - an optional dependency

    mine, knots = slice(0, found.offsets[1]), slice(0, found.knot_offsets[1])
    values = found.values[knots].reshape(knots.stop, -1)
    first, last = int(values[0].argmax()), int(values[-1].argmax())
    axes = segment_crossings(
        found.t[mine],
        found.layer[mine],
        found.direction[mine],
        [layer.name for layer in found.layers],
        knots=found.knots[knots],
        values=values,
        end_classes=(first, last) if first != last else None,
        title="segment 0",
    )
    return axes[0].figure

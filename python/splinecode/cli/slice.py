"""``splinecode slice``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..saved import load_data, load_model
from .common import (
    add_data,
    add_figure,
    add_model,
    add_output,
    arrays_of,
    in_dtype_of,
    in_float64,
    positive,
    write_arrays,
    write_figure,
)

if TYPE_CHECKING:
    from torch import nn

    from ..slices import SampledSlice2D, Slice2D

EXAMPLES = """\
  splinecode slice model.pt2 digits.npz --points 0,1,2 -o slice.npz --svg slice.svg
  splinecode slice nets.py:make_net x.npy --points 0,1,2 --extent -1 2 -1 2
  splinecode slice gelu.pt2 x.npy --points 0,1,2 --sampled 512 --png sampled.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``splinecode slice``."""
    add_model(parser)
    add_data(parser)
    parser.add_argument(
        "--points",
        type=_points,
        required=True,
        metavar="I,J,K",
        help="inputs of DATA at (u, v) = (0, 0), (1, 0) and (0, 1) of the plane",
    )
    parser.add_argument(
        "--extent",
        nargs=4,
        type=float,
        default=(-0.25, 1.25, -0.25, 1.25),
        metavar=("U0", "U1", "V0", "V1"),
        help="the window in (u, v) (default: %(default)s)",
    )
    parser.add_argument(
        "--sampled",
        type=positive,
        metavar="N",
        help="codes at a grid of N x N points instead: of networks that are not piecewise linear",
    )
    parser.add_argument(
        "--stop", metavar="MODULE", help="take the output of this module for the network's"
    )
    parser.add_argument(
        "--max-polygons",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="refuse a slice of more (default: %(default)s)",
    )
    parser.add_argument(
        "--color-by",
        choices=("code", "area", "output", "layer"),
        default="code",
        help="what colours of the figure stand for (default: %(default)s)",
    )
    parser.add_argument("--progress", action="store_true", help="show a progress bar (needs tqdm)")
    add_output(parser, "vertices, polygons, codes, areas, values, edges and the decision boundary")
    add_figure(parser, "the slice")


def run(options: argparse.Namespace) -> int:
    """Cut a plane into polygons, write them and print how many there are."""
    model = load_model(options.model)
    inputs = load_data(options.data, options.key).inputs
    if max(options.points) >= len(inputs):
        raise ValueError(
            f"--points has input {max(options.points)}; DATA has {len(inputs)}, from 0"
        )
    points = in_float64(inputs[list(options.points)])
    found = _sampled(model, points, options) if options.sampled else _exact(model, points, options)
    if options.output is not None:  # finding the decision boundary cuts once more
        write_arrays(options.output, **arrays_of(found), **_decisions(found))
    if options.png is not None or options.svg is not None:
        write_figure(options, _figure(found, options))
    print(found)
    return 0


def _points(text: str) -> tuple[int, ...]:
    points = tuple(int(part) for part in text.split(",") if part.strip().isdecimal())
    if len(points) != 3 or text.count(",") != 2:
        raise argparse.ArgumentTypeError(f"{text!r} are no three inputs such as 0,1,2")
    return points


def _exact(model: nn.Module, points: Any, options: argparse.Namespace) -> Slice2D:
    from ..reading import read_network  # noqa: PLC0415 - help must not wait for torch
    from ..slices import slice_2d  # noqa: PLC0415

    p0, p1, p2 = points
    return slice_2d(
        read_network(model, points[:2], stop=options.stop),
        p0,
        p1,
        p2,
        options.extent,
        max_polygons=options.max_polygons,
        progress=options.progress,
    )


def _sampled(model: nn.Module, points: Any, options: argparse.Namespace) -> SampledSlice2D:
    from ..slices import sampled_slice_2d  # noqa: PLC0415 - help must not wait for torch

    size = (options.sampled, options.sampled)
    p0, p1, p2 = in_dtype_of(model, points)
    return sampled_slice_2d(
        model, p0, p1, p2, options.extent, resolution=size, progress=options.progress
    )


def _decisions(found: Slice2D | SampledSlice2D) -> dict[str, Any]:
    """Return the decision boundary of an exact slice as arrays."""
    from ..slices import Slice2D  # noqa: PLC0415 - help must not wait for torch

    return arrays_of(found.decision_boundary(), "decision") if isinstance(found, Slice2D) else {}


def _figure(found: Slice2D | SampledSlice2D, options: argparse.Namespace) -> Any:
    from .. import plots  # noqa: PLC0415 - an optional dependency
    from ..slices import Slice2D  # noqa: PLC0415 - help must not wait for torch

    if isinstance(found, Slice2D):
        return plots.slice_2d(found, color_by=options.color_by).figure
    return plots.sampled_slice_2d(found).figure

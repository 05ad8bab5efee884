"""Crossings along alpha x and along a feature direction: where a direction is valid."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...arrays import Array
from ...capture.capturing import Model
from ...network import Network
from ..density.measured import in_batches
from ..subjects import batch_of, network_of
from .line_density import LineDensity
from .scan import Lines, scanned


def scaling(
    model: Model | Network,
    inputs: Array | Iterable[Any],
    *,
    low: float = 0.01,
    high: float = 2.0,
    bins: int = 64,
    start: str | None = None,
    outputs: bool = True,
    batch_size: int = 64,
    progress: bool = False,
) -> LineDensity:
    """Find every boundary that alpha x crosses as alpha goes from low to high, for each input x.

    A direction means the same at any length only where scaling crosses no boundaries. The paper
    (arXiv:2211.12312) finds them dense in a shell towards the origin; `LineDensity.shell` says
    where they are.

    Parameters
    ----------
    model : torch.nn.Module or exported program that `read_network` reads, or Network
    inputs : array (n, ...), or iterable of batches, or of (batch, labels) pairs
    low, high : float
        Range of alpha; 1 is the input itself. 0 is the origin, which inputs have in common: in a
        network without biases every boundary passes through it, and a ray from it crosses none. So
        by default alpha starts a little above.
    bins : int
        Equal parts of the range that crossings are counted in. The crossings are exact.
    start : str, optional
        Scale the output of this node (see `Network.summary`) instead of the input: layers are those
        after it, which it must be a cut of.
    outputs : bool
        Keep the network's outputs at the edges of the bins.
    batch_size : int
        Inputs that are swept at a time; the crossings of no more are in memory.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    found : LineDensity, its parameter "alpha"

    Raises
    ------
    TypeError : model is neither a module nor a Network.
    ValueError : no range or bins, NaN or inf in inputs, a start that is no cut.
    UnsupportedNetworkError : a module that is not piecewise linear.

    Notes
    -----
    A sweep of one segment an input, see `crossings`.

    """
    network, x = _network_and_points(model, inputs, start, batch_size)
    lines = Lines(torch.zeros_like(x), x, low, high, itself=1.0)
    _need_range(lines, bins)
    return scanned(
        network, lines, "alpha", bins, outputs=outputs, batch_size=batch_size, progress=progress
    )


def directions(
    model: Model | Network,
    inputs: Array | Iterable[Any],
    direction: Array,
    *,
    low: float = -1.0,
    high: float = 1.0,
    bins: int = 64,
    start: str | None = None,
    outputs: bool = True,
    batch_size: int = 64,
    progress: bool = False,
) -> LineDensity:
    """Find every boundary that x + beta d crosses as beta goes from low to high, for each input x.

    Parameters
    ----------
    model, inputs, bins, start, outputs, batch_size, progress
        As in `scaling`; with `start` x is that node's output, and d a direction there.
    direction : real array (...) of the shape of one input, or (n, ...)
        d, one for all inputs or each its own. Not scaled: beta counts its length, and densities are
        per unit of L2 length.
    low, high : float
        Range of beta; 0 is the input itself.

    Returns
    -------
    found : LineDensity, its parameter "beta"

    Raises what `scaling` raises, and ValueError for a direction of another shape, or of length 0.

    """
    network, x = _network_and_points(model, inputs, start, batch_size)
    d = torch.as_tensor(direction).to(x)
    if d.shape not in (x.shape, x.shape[1:]):
        raise ValueError(
            f"direction has shape {tuple(d.shape)}; wanted {tuple(x.shape[1:])}, or "
            f"{tuple(x.shape)} for one an input"
        )
    d = d.expand(x.shape)
    if not bool((d != 0).flatten(1).any(1).all()):
        raise ValueError("direction is 0 in all components; wanted one that leads somewhere")
    lines = Lines(x, d, low, high, itself=0.0)
    _need_range(lines, bins)
    return scanned(
        network, lines, "beta", bins, outputs=outputs, batch_size=batch_size, progress=progress
    )


def _network_and_points(
    model: Model | Network, inputs: Array | Iterable[Any], start: str | None, batch_size: int
) -> tuple[Network, Tensor]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    x, _ = batch_of(inputs)
    network = network_of(model, x)
    if start is None:
        return network, x.double()
    hidden = in_batches(lambda part: network.values_at(part, start), x, batch_size)
    return network.restrict(start=start), hidden


def _need_range(lines: Lines, bins: int) -> None:
    if not (math.isfinite(lines.low) and math.isfinite(lines.high) and lines.low < lines.high):
        raise ValueError(f"low is {lines.low} and high {lines.high}; wanted finite, low < high")
    if bins < 1:
        raise ValueError(f"bins is {bins}; wanted at least 1")

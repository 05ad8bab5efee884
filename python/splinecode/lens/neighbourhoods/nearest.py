"""How far inputs are from the nearest boundary, in all and in each layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import Array, need_on_cpu
from ...capture.capturing import Model
from ...codes import Layer
from ...network import Network
from ...polytopes import nearest_boundary
from ...progress import progress_bar
from ...tables import Table, percent
from ..subjects import batch_of, network_of

_TOGETHER = 16
"""Inputs between two steps of a progress bar."""


@dataclass(frozen=True, eq=False, repr=False)
class NearestBoundaries(Analysis):
    """Distances from inputs to boundaries. Drawn by `plots.nearest_boundaries`.

    Attributes
    ----------
    layers : tuple of Layer
    distance : float64 (inputs, layers)
        To the nearest hyperplane of each layer, in the norm, in units of the input; inf where the
        layer has none. Beyond the first layer of all that hyperplane may lie outside of the input's
        polytope, where the unit's boundary has bent away.
    unit : int64 (inputs, layers)
        Whose it is: the bit within the layer; -1 where there is none.
    norm : 1, 2 or inf
    work : mapping

    """

    layers: tuple[Layer, ...]
    distance: NDArray[np.float64]
    unit: NDArray[np.int64]
    norm: float
    work: Mapping[str, int]

    @property
    def least(self) -> NDArray[np.float64]:
        """Distance to the nearest boundary of all, which is exact: float64 (inputs,)."""
        least: NDArray[np.float64] = self.distance.min(axis=1)
        return least

    @property
    def layer(self) -> NDArray[np.int64]:
        """Layer of the nearest boundary, int64 (inputs,); -1 where there is none."""
        return np.where(np.isfinite(self.least), self.distance.argmin(axis=1), -1)

    def tables(self) -> Sequence[Table]:
        """Return quantiles of the distances, and which layer's boundary is the nearest."""
        rows = [
            _row(layer.name, f"{layer.bits:,}", self.distance[:, i], self.layer == i)
            for i, layer in enumerate(self.layers)
        ]
        units = f"{sum(layer.bits for layer in self.layers):,}"
        rows.append(_row("all", units, self.least, self.layer >= 0))
        title = (
            f"Distance to the nearest boundary (norm {self.norm:g}) of {len(self.least):,} inputs"
        )
        header = ["layer", "units", "5 %", "median", "95 %", "nearest of all"]
        return [Table(title, header, rows)]


def nearest_boundaries(
    model: Model | Network,
    inputs: Array | Iterable[Any],
    *,
    norm: float = 2,
    limit: int | None = None,
    progress: bool = False,
) -> NearestBoundaries:
    """Measure how far inputs are from the nearest boundary of each layer.

    Parameters
    ----------
    model : torch.nn.Module, what torch.export made of one, or a Network from `read_network`
        Piecewise linear.
    inputs : floating array (n, *input_shape) on the CPU, or iterable of batches
    norm : 1, 2 or inf
        Of input space.
    limit : int, optional
        Take the first so many inputs.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    nearest : NearestBoundaries

    Raises what `read_network` and `nearest_boundary` raise, and ValueError for a network without
    layers.

    Notes
    -----
    By `nearest_boundary`, which tells exactness and costs: n * width of an input evaluations of the
    network. An input exactly on a boundary is at distance 0: images with blank patches always are
    in a network with max pools, whose windows tie there.

    """
    x, _ = batch_of(inputs, limit=limit)
    need_on_cpu(x, "inputs", "polytopes are computed on the CPU")
    if norm not in (1, 2, math.inf):
        raise ValueError(f"norm is {norm!r}; wanted 1, 2 or inf")
    network = network_of(model, x)
    if not network.layers:
        raise ValueError("the network has no layer of kinks, and so no boundary; wanted one")
    distances, units = [], []
    with progress_bar(len(x), "inputs", progress) as advance:
        for some in x.split(_TOGETHER):
            found = nearest_boundary(network, some, norm=norm, per_layer=True)
            distances.append(found.distance.numpy())
            units.append(found.unit.numpy())
            advance(len(some))
    work = {"inputs": len(x), "boundaries": len(x) * network.n_bits}
    return NearestBoundaries(
        network.layers, np.concatenate(distances), np.concatenate(units), norm, work
    )


def _row(
    name: str, units: str, distance: NDArray[np.float64], nearest: NDArray[np.bool_]
) -> list[object]:
    reached = distance[np.isfinite(distance)]
    cells = ["-"] * 3
    if len(reached):
        cells = [f"{value:.4g}" for value in np.quantile(reached, [0.05, 0.5, 0.95])]
    return [name, units, *cells, percent(float(nearest.mean()))]

"""Codes along paths: transitions, distance from the start, folding, the first boundary.

Paths come from `curves`, or are any points in order. Three counts stand beside each other and are
never mixed: *endpoint* Hamming of a path's ends, *sampled* transitions between its points, and the
*exact* crossings of the polyline through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...analysis import Analysis
from ...arrays import Array, library_of, on_cuda, to_host
from ...capture import spline_codes
from ...capture.capturing import Model
from ...codes import Codes, Layer
from ...network import Network
from ...paths import consecutive_hamming, hamming_from_start, space_folding
from ...reading import UnsupportedNetworkError
from ...tables import Table, percent
from ..density.measured import chosen_layers
from ..models import WANTED_TO_READ, module_of
from ..subjects import network_of
from .exact_paths import Counts, ExactPaths, Numbers, exact_paths


@dataclass(frozen=True, eq=False, repr=False)
class PathAnalysis(Analysis):
    """Codes along paths of one number of points. Drawn by `plots.paths`.

    Attributes
    ----------
    layers : tuple of Layer
    step_length : float64 (paths, steps)
        ||x_{i + 1} - x_i||_2, in units of the input.
    transitions : int64 (paths, steps, layers)
        Sampled: units that differ between neighbouring points.
    from_start : int64 (paths, points, layers)
        Units that differ from the first point; the last point's are the endpoint counts.
    folding : float64 (paths,)
        `space_folding` of all layers together; NaN without transitions.
    layer_folding : float64 (paths, layers)
    first_sampled : float64 (paths, 2)
        Arc lengths of the two points between which the first transition was seen; inf without one.
        A boundary may stand before them: units that flip and flip back between two points.
    exact : int64 (paths, steps, layers), or None
        Crossings of the polyline through the points. One exactly at a point counts with the step
        that ends there.
    first_exact : float64 (paths,), or None
        Arc length of the first crossing; inf without one.
    first_layer, first_unit : int64 (paths,), or None
        Whose it is: index into `layers`, and bit; -1 without one.
    ambiguous : bool (paths, steps), or None
        Where rounding left something open: see `Crossings.ambiguous`.
    sampled_only : str
        Why there are no exact counts; "" where there are.
    work : mapping

    """

    layers: tuple[Layer, ...]
    step_length: Numbers
    transitions: Counts
    from_start: Counts
    folding: Numbers
    layer_folding: Numbers
    first_sampled: Numbers
    exact: Counts | None
    first_exact: Numbers | None
    first_layer: Counts | None
    first_unit: Counts | None
    ambiguous: NDArray[np.bool_] | None
    sampled_only: str
    work: Mapping[str, int]

    @property
    def endpoint(self) -> Counts:
        """Units that differ between the two ends, int64 (paths, layers)."""
        return self.from_start[:, -1]

    @property
    def arc_length(self) -> Numbers:
        """Length of the path up to each point, float64 (paths, points)."""
        return np.pad(self.step_length.cumsum(axis=1), ((0, 0), (1, 0)))

    def tables(self) -> Sequence[Table]:
        """Return means over paths by layer, and where the first boundary is."""
        paths, steps, _ = self.transitions.shape
        title = f"Mean of {paths:,} paths of {steps:,} steps"
        if self.sampled_only:
            title += f" (sampled only: {self.sampled_only})"
        sampled = self.transitions.sum(axis=1)
        exact = None if self.exact is None else self.exact.sum(axis=1)
        names = [layer.name for layer in self.layers]
        units = [layer.bits for layer in self.layers]
        rows = [
            self._row(name, units[i], self.endpoint[:, i], sampled[:, i])
            + _exact_cells(sampled[:, i], None if exact is None else exact[:, i])
            + [_mean(self.layer_folding[:, i])]
            for i, name in enumerate(names)
        ]
        rows.append(
            self._row("all", sum(units), self.endpoint.sum(axis=1), sampled.sum(axis=1))
            + _exact_cells(sampled.sum(axis=1), None if exact is None else exact.sum(axis=1))
            + [_mean(self.folding)]
        )
        header = ["layer", "units", "endpoint", "sampled", "exact", "seen by sampling", "folding"]
        return [Table(title, header, rows), self._first_table()]

    def _row(self, name: str, units: int, endpoint: Counts, sampled: Counts) -> list[object]:
        return [name, f"{units:,}", _mean(endpoint), _mean(sampled)]

    def _first_table(self) -> Table:
        low, high = self.first_sampled.T
        rows = [_distance_row("sampled, from", low), _distance_row("sampled, to", high)]
        if self.first_exact is not None:
            rows.append(_distance_row("exact", self.first_exact))
        header = ["count", "least", "median", "largest", "paths without one"]
        return Table("Distance along the path to the first boundary", header, rows)


def path_analysis(
    model: Model | Network,
    points: Array,
    *,
    layers: str | Sequence[str] | None = None,
    exact: bool | None = None,
    batch_size: int = 256,
    max_memory: int | None = None,
    progress: bool = False,
) -> PathAnalysis:
    """Follow the spline code along paths.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, what torch.export made of one, or a Network from
        `read_network`
    points : floating array (paths, n, *input_shape), n >= 2
        As `curves` makes them: ``path_analysis(model, curves.slerp(a, b, 50))``.
    layers : glob or globs, optional
        Over the names of the network's layers, or, without exact counts, as in `spline_codes`.
    exact : bool, optional
        Also cross the polyline through the points exactly, in float64. The codes of points then
        come from there too, so that all counts are of the same layers (max pools are among them)
        and numbers: a point's code is the one just after it on the path, and just before it for the
        last point, since a point on a boundary has none of its own. False: codes come from hooks on
        the module, in its own dtype.
        None: exact where the model is piecewise linear and the points are on the CPU;
        `sampled_only` says why not.
    batch_size : int
        Points per forward pass of the module.
    max_memory : int, optional
        As in `crossings`.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    analysis : PathAnalysis

    Raises
    ------
    TypeError : model is no module or network, or points no floating array.
    ValueError : points of another shape, NaN or inf; no matching layer; `exact` and the model is
        not piecewise linear (UnsupportedNetworkError), or points on a GPU; what `spline_codes`
        raises.

    Notes
    -----
    With `exact`, endpoint <= sampled <= exact in every layer, without exception; one sweep a path,
    of as many segments as it has steps. Else one forward pass a point.

    """
    model = model if isinstance(model, Network) else module_of(model, wanted=WANTED_TO_READ)
    library_of(points, "points")
    if points.ndim < 3 or points.shape[1] < 2:
        raise ValueError(
            f"points has shape {tuple(points.shape)}; wanted (paths, n, *input_shape) with n at "
            "least 2, such as curves.linear(a, b, n) gives"
        )
    if len(points) == 0:
        raise ValueError("points holds no paths; wanted at least one")
    network, why = _network(model, points, exact)
    lengths = _step_lengths(points)
    if network is not None:
        chosen = chosen_layers(network.layers, layers)
        crossed = exact_paths(network, points, lengths, chosen, max_memory, progress)
        return _analysis(crossed.codes, lengths, crossed, why)
    assert isinstance(model, nn.Module)
    flat = points.reshape(-1, *points.shape[2:])
    codes = spline_codes(model, flat, layers, batch_size=batch_size, progress=progress)
    return _analysis(codes, lengths, None, why)


def _network(
    model: nn.Module | Network, points: Array, exact: bool | None
) -> tuple[Network | None, str]:
    """Return the network to cross exactly, or None and why there is none."""
    if isinstance(model, Network):
        if exact is False:
            raise ValueError("exact is False but model is a Network; wanted its torch module")
        return model, ""
    if exact is False:
        return None, "exact=False"
    if on_cuda(points):
        if exact:
            raise ValueError("points is on a GPU; exact counts take them on the CPU: points.cpu()")
        return None, "points on a GPU"
    try:
        return network_of(model, points[0]), ""
    except UnsupportedNetworkError as error:
        if exact:
            raise
        return None, str(error)


def _step_lengths(points: Array) -> Numbers:
    rows = np.asarray(to_host(_double(points)), np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("points holds NaN or inf; wanted finite numbers")
    steps = np.diff(rows.reshape(*rows.shape[:2], -1), axis=1)
    lengths: Numbers = np.linalg.norm(steps, axis=-1)
    return lengths


def _double(points: Array) -> Array:
    """Return points in a dtype that numpy has."""
    return points.double() if library_of(points, "points") == "torch" else points


def _analysis(codes: Codes, lengths: Numbers, crossed: ExactPaths | None, why: str) -> PathAnalysis:
    paths, steps = lengths.shape
    offsets = np.arange(paths + 1) * (steps + 1)
    transitions = to_host(consecutive_hamming(codes, offsets, per_layer=True)).astype(np.int64)
    transitions = transitions.reshape(paths, steps, -1)
    from_start = to_host(hamming_from_start(codes, offsets, per_layer=True)).astype(np.int64)
    by_layer = [space_folding(codes.layer(i), offsets) for i in range(len(codes.layers))]
    work = {"paths": paths, "points": len(codes), "sampled transitions": int(transitions.sum())}
    if crossed is not None:
        work |= {"segments swept": paths * steps, "exact crossings": int(crossed.counts.sum())}
        work["ambiguous segments"] = int(crossed.ambiguous.sum())
    return PathAnalysis(
        layers=codes.layers,
        step_length=lengths,
        transitions=transitions,
        from_start=from_start.reshape(paths, steps + 1, -1),
        folding=to_host(space_folding(codes, offsets)),
        layer_folding=np.stack([to_host(one) for one in by_layer], axis=1),
        first_sampled=_first_sampled(transitions.sum(axis=2), lengths),
        exact=crossed.counts if crossed else None,
        first_exact=crossed.first if crossed else None,
        first_layer=crossed.layer if crossed else None,
        first_unit=crossed.unit if crossed else None,
        ambiguous=crossed.ambiguous if crossed else None,
        sampled_only=why,
        work=work,
    )


def _first_sampled(transitions: Counts, lengths: Numbers) -> Numbers:
    """Return the arc lengths (paths, 2) around the first step with a transition."""
    step = (transitions > 0).argmax(axis=1)
    before = np.pad(lengths.cumsum(axis=1), ((0, 0), (1, 0)))
    rows = np.arange(len(lengths))
    bracket = np.stack([before[rows, step], before[rows, step + 1]], axis=1)
    bracket[(transitions > 0).sum(axis=1) == 0] = np.inf
    return bracket


def _mean(values: NDArray[Any]) -> str:
    values = values[np.isfinite(values)]
    return f"{values.mean():,.4g}" if len(values) else "-"


def _exact_cells(sampled: Counts, exact: Counts | None) -> list[object]:
    if exact is None:
        return ["-", "-"]
    total = int(exact.sum())
    return [_mean(exact), percent(int(sampled.sum()) / total) if total else "-"]


def _distance_row(name: str, distances: Numbers) -> list[object]:
    reached = distances[np.isfinite(distances)]
    ends = (reached.min(), np.median(reached), reached.max()) if len(reached) else ()
    cells = [f"{value:.4g}" for value in ends] or ["-"] * 3
    return [name, *cells, f"{len(distances) - len(reached):,}"]

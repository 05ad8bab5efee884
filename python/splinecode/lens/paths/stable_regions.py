"""Activation plateaus: stretches of a path where the output hardly changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...analysis import Analysis
from ...arrays import Array, library_of, to_host
from ...capture import spline_codes
from ...capture.capturing import Model
from ...codes import Codes, Layer
from ...paths import consecutive_hamming
from ...progress import progress_bar
from ...tables import Table, percent
from ..models import module_of
from ..outputs import keeping_outputs
from .jacobians import JacobianNorms, jacobian_norms

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Plateaus(Analysis):
    """Codes and outputs along paths of one number of points. Drawn by `plots.plateaus`.

    Attributes
    ----------
    layers : tuple of Layer
    step_length : float64 (paths, steps)
        ||x_{i + 1} - x_i||_2, in units of the module's input.
    transitions : int64 (paths, steps, layers)
        Sampled: units that differ between neighbouring points.
    output_change : float64 (paths, steps)
        ||y_{i + 1} - y_i||_2.
    relative_distance : float64 (paths, points)
        ||y - y_0|| / (||y - y_0|| + ||y - y_n||): 0 at the start, 1 at the end; NaN where both are
        0. Plateaus are flat parts of this curve.
    jacobian, jacobian_error : float64 (paths, points), or None
        ||dy/dx||_F and its standard error, 0 where exact.
    plateau : int64 (paths, 2)
        First and last point of the longest plateau; the same point twice where there is none.
    plateau_share : float64 (paths,)
        Its share of the path's length.
    share : float
        What the output may change by on a plateau, per unit length: this share of the path's mean.
    work : mapping

    """

    layers: tuple[Layer, ...]
    step_length: Numbers
    transitions: Counts
    output_change: Numbers
    relative_distance: Numbers
    jacobian: Numbers | None
    jacobian_error: Numbers | None
    plateau: Counts
    plateau_share: Numbers
    share: float
    work: Mapping[str, int]

    @property
    def hamming_per_length(self) -> Numbers:
        """Sampled transitions per unit of L2 step, float64 (paths, steps, layers); NaN at 0."""
        return _per_length(self.transitions, self.step_length[..., None])

    @property
    def sensitivity(self) -> Numbers:
        """Output change per unit of L2 step, float64 (paths, steps); NaN at a step of 0."""
        return _per_length(self.output_change, self.step_length)

    def on_plateau(self) -> NDArray[np.bool_]:
        """Whether a step belongs to its path's plateau, bool (paths, steps)."""
        step = np.arange(self.step_length.shape[1])
        inside: NDArray[np.bool_] = (self.plateau[:, :1] <= step) & (step < self.plateau[:, 1:])
        return inside

    def tables(self) -> Sequence[Table]:
        """Return plateaus' share of paths, and the rates on and off them."""
        paths, steps = self.step_length.shape
        found = self.plateau_share[self.plateau_share > 0]
        part = percent(float(found.mean()) if len(found) else 0.0)
        title = (
            f"{len(found):,} of {paths:,} paths of {steps:,} steps have a plateau (output changes "
            f"by at most {self.share:g} of its mean rate), {part} of their length in the mean"
        )
        inside = self.on_plateau()
        rates: dict[str, NDArray[Any]] = {
            f"units flipped, {layer.name}": self.transitions[..., i]
            for i, layer in enumerate(self.layers)
        } | {"output change": self.output_change}
        rows = [
            _rates_row(name, values, self.step_length, inside) for name, values in rates.items()
        ]
        if self.jacobian is not None:
            middles = (self.jacobian[:, 1:] + self.jacobian[:, :-1]) / 2
            rows.append(
                _rates_row("Jacobian norm", middles * self.step_length, self.step_length, inside)
            )
        header = ["per unit length", "on plateaus", "elsewhere", "ratio"]
        return [Table(title, header, rows)]


def plateaus(
    model: Model,
    points: Array,
    *,
    layers: str | Sequence[str] | None = None,
    share: float = 0.5,
    jacobian: str = "auto",
    probes: int = 64,
    seed: int = 0,
    batch_size: int = 256,
    progress: bool = False,
) -> Plateaus:
    """Follow output and spline code along paths, and find where the output stays put.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, or what torch.export made of one
        From what is interpolated to a tensor (n, ...): a whole network, or a module of your own
        that runs a language model from a hidden layer on, such as one that puts its input in place
        of the last token's residual activation and returns logits.
    points : floating array (paths, n, *input_shape), n >= 2
        As `curves` makes them, of the model's dtype and on its device:
        ``plateaus(model, curves.slerp_norm(a, b, 50))``.
    layers : glob or globs, optional
        As in `spline_codes`.
    share : float from 0 to 1
        A step is flat where the output changes per unit length by at most this share of the path's
        mean. The longest run of flat steps, by length, is the plateau.
    jacobian : {"auto", "exact", "estimate", "none"}
        Exact takes a backward pass an output, the estimate `probes` of them (Hutchinson). "auto":
        exact where there are no more outputs than probes.
    probes : int >= 2
    seed : int
        Of the probes.
    batch_size : int
        Points per forward pass.
    progress : bool
        Show progress bars (needs tqdm).

    Returns
    -------
    plateaus : Plateaus

    Raises
    ------
    TypeError : model is no module, points no floating array, or the output no tensor.
    ValueError : points of another shape, NaN or inf; share, jacobian or probes that are none; an
        output without a row a point; what `spline_codes` raises.

    Notes
    -----
    One forward pass a point for codes and outputs, and one more with its backward passes for the
    Jacobian. Relative distance, Hamming per step and Jacobian norms as in the code that goes with
    "Activation plateaus: where and how they emerge" (github.com/MShinkle/
    activation_plateau_mechanisms, read), which divides a layer's Hamming distance by the step of
    that layer's own input, where here all layers share the step along the path. That the regions
    are larger than polytopes is an observation of arXiv:2409.17113; the threshold is ours.

    """
    model = module_of(model)
    _need_options(share, jacobian, probes)
    x = _points(points)
    paths, n = x.shape[:2]
    flat = x.flatten(0, 1)
    # A copy: a module may change its input in place.
    codes, y = _codes_and_outputs(model, flat.clone(), layers, batch_size, progress)
    norms = _norms(model, flat, int(y.shape[1]), jacobian, probes, seed, batch_size, progress)
    transitions = consecutive_hamming(codes, np.arange(paths + 1) * n, per_layer=True)
    lengths, outputs = _step_lengths(flat.reshape(paths, n, -1)), y.reshape(paths, n, -1)
    change = _step_lengths(outputs)
    plateau, part = _longest(change, lengths, share)
    passes = paths * n
    work = {"paths": paths, "forward passes of a point": passes + (passes if norms else 0)}
    if norms:
        work["backward passes of a point"] = norms.passes
    return Plateaus(
        layers=codes.layers,
        step_length=lengths,
        transitions=to_host(transitions).astype(np.int64).reshape(paths, n - 1, -1),
        output_change=change,
        relative_distance=_relative(outputs),
        jacobian=norms.norm.reshape(paths, n) if norms else None,
        jacobian_error=norms.error.reshape(paths, n) if norms else None,
        plateau=plateau,
        plateau_share=part,
        share=share,
        work=work,
    )


def _need_options(share: float, jacobian: str, probes: int) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; wanted 0 to 1")
    if jacobian not in ("auto", "exact", "estimate", "none"):
        raise ValueError(f"jacobian is {jacobian!r}; wanted 'auto', 'exact', 'estimate' or 'none'")
    if probes < 2:
        raise ValueError(f"probes is {probes}; wanted at least 2, for a standard error")


def _points(points: Array) -> Tensor:
    library_of(points, "points")
    x = torch.as_tensor(points)
    if x.ndim < 3 or x.shape[1] < 2 or len(x) == 0:
        raise ValueError(
            f"points has shape {tuple(x.shape)}; wanted (paths, n, *input_shape) with a path and n "
            "at least 2, such as curves.slerp_norm(a, b, n) gives"
        )
    if not x.is_floating_point():
        raise TypeError(f"points has dtype {x.dtype}; wanted a floating dtype")
    if not bool(x.isfinite().all()):
        raise ValueError("points holds NaN or inf; wanted finite numbers")
    return x


def _codes_and_outputs(
    model: nn.Module,
    flat: Tensor,
    layers: str | Sequence[str] | None,
    batch_size: int,
    progress: bool,
) -> tuple[Codes, Tensor]:
    """Run the model once, and keep its outputs (n, outputs), float64 on the CPU, beside codes."""
    with keeping_outputs(model) as outputs:
        codes = spline_codes(model, flat, layers, batch_size=batch_size, progress=progress)
    if not outputs:
        raise TypeError(
            "model returns no tensor; wrap it in a module that returns the part to follow, such as "
            "logits"
        )
    y = torch.cat(outputs)
    if len(y) != len(codes):
        raise ValueError(
            f"model returns {len(y)} rows for {len(codes)} points; wanted one each, along the "
            "first axis"
        )
    return codes, y


def _norms(
    model: nn.Module,
    flat: Tensor,
    outputs: int,
    how: str,
    probes: int,
    seed: int,
    batch_size: int,
    progress: bool,
) -> JacobianNorms | None:
    if how == "none":
        return None
    exact = how == "exact" or (how == "auto" and outputs <= probes)
    with progress_bar(len(flat), "Jacobians", progress) as advance:
        return jacobian_norms(
            model,
            flat,
            probes=None if exact else probes,
            seed=seed,
            batch_size=batch_size,
            advance=advance,
        )


def _step_lengths(rows: Tensor) -> Numbers:
    """Return the L2 norms (paths, n - 1) of the steps of rows (paths, n, width)."""
    steps = rows.double().diff(dim=1)
    lengths: Numbers = torch.linalg.vector_norm(steps, dim=2).cpu().numpy()
    return lengths


def _relative(outputs: Tensor) -> Numbers:
    start = torch.linalg.vector_norm(outputs - outputs[:, :1], dim=2)
    end = torch.linalg.vector_norm(outputs - outputs[:, -1:], dim=2)
    relative: Numbers = (start / (start + end)).numpy()
    return relative


def _longest(change: Numbers, lengths: Numbers, share: float) -> tuple[Counts, Numbers]:
    """Return first and last point of each path's longest run of flat steps, and its share."""
    total = lengths.sum(axis=1)
    mean = np.divide(change.sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    flat = change <= share * mean[:, None] * lengths
    plateau, part = np.zeros((len(change), 2), np.int64), np.zeros(len(change))
    for p, marks in enumerate(flat):
        edges = np.flatnonzero(np.diff(np.pad(marks, 1).astype(np.int8)))
        arc = np.concatenate([[0.0], lengths[p].cumsum()])
        runs = edges.reshape(-1, 2)
        if len(runs) and total[p] > 0:
            best = (arc[runs[:, 1]] - arc[runs[:, 0]]).argmax()
            plateau[p] = runs[best]
            part[p] = (arc[runs[best, 1]] - arc[runs[best, 0]]) / total[p]
    return plateau, part


def _per_length(values: NDArray[Any], lengths: Numbers) -> Numbers:
    values, lengths = np.broadcast_arrays(values.astype(np.float64), lengths)
    rates: Numbers = np.full(values.shape, np.nan)
    np.divide(values, lengths, out=rates, where=lengths > 0)
    return rates


def _rates_row(
    name: str, values: NDArray[Any], lengths: Numbers, inside: NDArray[np.bool_]
) -> list[object]:
    """Return totals per unit length, on plateaus and elsewhere."""
    rates = [
        values[where].sum() / lengths[where].sum() if lengths[where].sum() > 0 else np.nan
        for where in (inside, ~inside)
    ]
    ratio = rates[0] / rates[1] if rates[1] > 0 else np.nan
    return [name, *("-" if np.isnan(value) else f"{value:.4g}" for value in (*rates, ratio))]

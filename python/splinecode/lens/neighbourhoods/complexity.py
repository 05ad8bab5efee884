"""Local complexity: how many units change sign in a small neighbourhood of an input."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...analysis import Analysis
from ...arrays import Array, to_host
from ...capture import spline_codes
from ...capture.capturing import Model
from ...codes import Layer
from ...groups import flipped_any
from ...progress import progress_bar
from ...tables import Table, percent
from ..models import module_of
from ..statistics.effects import mean
from ..subjects import batch_of

Checkpoint = Model | Mapping[str, Tensor]


@dataclass(frozen=True, eq=False, repr=False)
class LocalComplexity(Analysis):
    """Local complexity of inputs, layer by layer, at one or more checkpoints.

    Drawn by `plots.local_complexity`.

    Attributes
    ----------
    layers : tuple of Layer
    checkpoints : tuple of str
    counts : int64 (checkpoints, inputs, layers)
        Units that are not equally active at all vertices around the input.
    radius : float
        Distance of a vertex from its input, in units of the input.
    directions : int
        Half the vertices.
    seed : int
    work : mapping

    """

    layers: tuple[Layer, ...]
    checkpoints: tuple[str, ...]
    counts: NDArray[np.int64]
    radius: float
    directions: int
    seed: int
    work: Mapping[str, int]

    @property
    def total(self) -> NDArray[np.int64]:
        """Local complexity of the whole network: the sum over layers, int64 (checkpoints, n)."""
        total: NDArray[np.int64] = self.counts.sum(axis=2)
        return total

    def tables(self) -> Sequence[Table]:
        """Return the mean over inputs by layer and checkpoint."""
        inputs = self.counts.shape[1]
        title = (
            f"Units that change sign within {self.radius:g} of an input: mean of {inputs:,} inputs "
            f"with its 95 % interval, {2 * self.directions} vertices each"
        )
        names = [layer.name for layer in self.layers]
        rows: list[list[object]] = [
            [
                name,
                *(str(mean(column)) for column in counts.T.astype(float)),
                str(mean(counts.sum(axis=1).astype(float))),
                percent(counts.sum() / max(1, inputs * self._units)),
            ]
            for name, counts in zip(self.checkpoints, self.counts, strict=True)
        ]
        return [Table(title, ["checkpoint", *names, "all layers", "share of units"], rows)]

    @property
    def _units(self) -> int:
        return sum(layer.bits for layer in self.layers)


def local_complexity(
    model: Model,
    inputs: Array | Iterable[Any],
    *,
    checkpoints: Mapping[str, Checkpoint] | Iterable[Checkpoint] | None = None,
    radius: float = 0.005,
    directions: int = 20,
    seed: int = 0,
    layers: str | Sequence[str] | None = None,
    limit: int | None = None,
    batch_size: int = 256,
    progress: bool = False,
) -> LocalComplexity:
    """Count the units that change sign around each input, layer by layer (arXiv:2402.15555).

    The neighbourhood of x is a cross-polytope: its vertices are x + r v_k and x - r v_k for
    `directions` orthonormal v_k. A unit counts if its bit is not the same at all vertices: then its
    boundary passes between them. x itself is no vertex, as in the authors' experiments.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, or what torch.export made of one
    inputs : array (n, ...), or iterable of batches or of (batch, labels)
        Of the model's dtype, on its device.
    checkpoints : mapping of a name to a state or a model, or iterable of them, optional
        States for `model` (`load_state_dict`, into one copy of it), or models of its kind. They are
        taken one at a time, so a generator that loads files holds one in memory.
    radius : positive float
        0.005 and 40 vertices are the authors' settings for CIFAR-10; their MLPs on MNIST have radii
        from 0.05 to 5 and 50 vertices.
    directions : int
        At most the width of an input.
    seed : int
        The directions are drawn once, uniform among all frames, and are the same for all inputs and
        checkpoints, so that a difference between checkpoints is one between their networks.
    layers : glob or globs, optional
        As in `spline_codes`.
    limit : int, optional
        Take the first so many inputs.
    batch_size : int
        Points per forward pass, rounded to whole neighbourhoods (at least one).
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    complexity : LocalComplexity

    Raises
    ------
    TypeError : model is no module, a checkpoint neither module nor state.
    ValueError : radius, directions or inputs that do not fit; no checkpoints, or layers that differ
        between them; a radius of which rounding in the dtype of the inputs takes more than half,
        beside any of them; what `spline_codes` raises.

    Notes
    -----
    ``popcount(OR_k(c_k XOR c_0))`` by layer, over the packed codes c of a neighbourhood's vertices.
    2 * directions forward passes an input and checkpoint, which take most of the time; memory is
    that of one forward pass of `batch_size` points, whatever the number of inputs. Convolutions
    are often much faster on a CPU after ``model.to(memory_format=torch.channels_last)``. The
    neighbourhood is one of the input: deeper layers see its image. A count is a lower bound of the
    units whose boundary meets the cross-polytope, which may enter and leave it between vertices.
    Differences from the authors' code (github.com/AhmedImtiazPrio/grok-adversarial, read): a
    pre-activation of exactly 0 is inactive, where theirs gives it a sign of its own; and their
    frames start from a layer's initialisation instead of normal numbers.

    """
    model = module_of(model)
    if not (math.isfinite(radius) and radius > 0):
        raise ValueError(f"radius is {radius}; wanted a positive number")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    x, _ = batch_of(inputs, limit=limit)
    steps = _steps(x, radius, directions, seed)
    _need_room(x, steps, radius, batch_size)
    names, found, known = [], [], None
    with progress_bar(None, "inputs", progress) as advance:
        for name, net in _nets(model, checkpoints):
            counts, of_net = _counts(net, x, steps, layers, batch_size, advance)
            if known not in (None, of_net):
                raise ValueError(
                    f"checkpoint {name!r} has layers {of_net}, those before it {known}; wanted the "
                    "same in all"
                )
            known = of_net
            names.append(name)
            found.append(counts)
    if known is None:
        raise ValueError("checkpoints holds none; wanted at least one, or None for the model as is")
    points = len(names) * len(x) * 2 * directions
    work = {"inputs": len(x), "checkpoints": len(names), "forward passes of a point": points}
    return LocalComplexity(known, tuple(names), np.stack(found), radius, directions, seed, work)


def frame(directions: int, width: int, seed: int) -> Tensor:
    """Draw orthonormal directions, float64 (directions, width), uniform among all frames.

    The Q of normal numbers, with R's diagonal positive (Mezzadri, arXiv:math-ph/0609050).
    """
    random = torch.Generator().manual_seed(seed)
    drawn = torch.randn(width, directions, generator=random, dtype=torch.float64)
    q, r = torch.linalg.qr(drawn)
    rows: Tensor = (q * r.diagonal().sign()).T
    return rows


def _steps(x: Tensor, radius: float, directions: int, seed: int) -> Tensor:
    """Return the ways from an input to its vertices, (2 * directions, width), as inputs are."""
    width, directions = math.prod(x.shape[1:]), operator.index(directions)
    if not 1 <= directions <= width:
        raise ValueError(
            f"directions is {directions}; wanted 1 to {width}, the numbers of an input: so many "
            "can be orthogonal"
        )
    if not x.is_floating_point():
        raise ValueError(f"inputs have dtype {x.dtype}; wanted a floating dtype")
    exact = radius * frame(directions, width, seed)
    half = exact.to(x.device, x.dtype)
    if bool((_length(half.cpu().double() - exact) > radius / 2).any()):
        raise ValueError(f"radius is {radius:g}; wanted one that {x.dtype} can hold")
    return torch.cat([half, -half])


def _need_room(x: Tensor, steps: Tensor, radius: float, batch_size: int) -> None:
    """Raise ValueError where rounding moves a vertex by more than half the radius.

    A sum x + s is rounded by at most half an epsilon of ||x|| + ||s||: only inputs for which that
    may be too much are looked at one vertex at a time.
    """
    rows, epsilon = x.flatten(1), torch.finfo(x.dtype).eps
    wide = torch.promote_types(x.dtype, torch.float32)
    norms = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
    doubtful = (epsilon * (norms + 2 * radius) > radius).nonzero()[:, 0]
    for some in doubtful.split(max(1, batch_size // len(steps))):
        centres = rows[some][:, None]
        moved = (centres + steps).to(wide) - centres.to(wide)
        lost = (_length(moved - steps.to(wide)) > radius / 2).any(dim=1)
        if bool(lost.any()):
            first = some[lost][0]
            raise ValueError(
                f"radius {radius:g} vanishes in {x.dtype} beside input {int(first)}, of norm "
                f"{float(norms[first]):.4g}; wanted a larger one, or model and inputs in a wider "
                "dtype"
            )


def _length(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths


def _nets(
    model: nn.Module, checkpoints: Mapping[str, Checkpoint] | Iterable[Checkpoint] | None
) -> Iterator[tuple[str, nn.Module]]:
    """Yield the name and the model of every checkpoint, one at a time."""
    if checkpoints is None:
        yield "model", model
        return
    given: Iterable[tuple[object, Checkpoint]] = (
        checkpoints.items() if isinstance(checkpoints, Mapping) else enumerate(checkpoints)
    )
    twin = None
    for name, item in given:
        if isinstance(item, Mapping):
            twin = copy.deepcopy(model) if twin is None else twin
            twin.load_state_dict(item)
            yield str(name), twin
        else:
            wanted = "a torch.nn.Module or a state_dict"
            yield str(name), module_of(item, f"checkpoint {name!r}", wanted)


def _counts(
    net: nn.Module,
    x: Tensor,
    steps: Tensor,
    layers: str | Sequence[str] | None,
    batch_size: int,
    advance: Callable[[int], object],
) -> tuple[NDArray[np.int64], tuple[Layer, ...]]:
    vertices, some = len(steps), max(1, batch_size // len(steps))
    counts = np.empty((len(x), 0), np.int64)
    known: tuple[Layer, ...] = ()
    for start in range(0, len(x), some):
        part = x[start : start + some]
        points = (part.flatten(1)[:, None] + steps).reshape(-1, *x.shape[1:])
        codes = spline_codes(net, points, layers, batch_size=len(points))
        if start == 0:
            # Made at once: small results between freed activations would keep the heap apart.
            known, counts = codes.layers, np.empty((len(x), len(codes.layers)), np.int64)
        offsets = np.arange(len(part) + 1) * vertices
        counts[start : start + some] = to_host(flipped_any(codes, offsets, per_layer=True))
        advance(len(part))
    return counts, known

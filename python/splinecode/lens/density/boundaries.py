"""Boundary density of same-class and different-class pairs: the paper's semantic boundaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...arrays import Array, to_host
from ...capture.capturing import Model
from ...codes import Codes
from ...network import Network
from ..statistics.bootstrap import compare_groups, mean_interval, need_resampling
from ..statistics.effects import Values
from ..subjects import batch_of
from .distances import pair_distances
from .lengths import per_length
from .matching import matched_pairs
from .measured import INPUTS, Measured, measured
from .pairs import Indices, same_and_different_pairs
from .result import BoundaryDensity, Kinds, with_total

MATCHED = "same-class pairs that nothing matched"
"""What `BoundaryDensity.work` counts if distances were matched."""


def boundary_density(
    subject: Model | Network | Codes,
    inputs: Array | Iterable[Any],
    *,
    pairs: Any = None,
    labels: Any = None,
    n: int = 1000,
    matched: bool = False,
    exact: bool = False,
    layers: str | Sequence[str] | None = None,
    distance_of: str = "inputs",
    nan: str = "omit",
    confidence: float = 0.95,
    resamples: int = 2000,
    resample: str = "inputs",
    seed: int = 0,
    batch_size: int = 256,
    progress: bool = False,
) -> BoundaryDensity:
    """Count the polytope boundaries between pairs of inputs, per unit of distance, by layer.

    Boundary density is ``Hamming(s(x), s(y)) / ||x - y||_2`` (arXiv:2211.12312), x the input of the
    piecewise-linear part. With labels, pairs of the same class are compared with pairs of different
    classes: is a boundary between classes a place where polytope boundaries are dense?

    Parameters
    ----------
    subject : torch.nn.Module (or what torch.export made of one), Network or Codes
        A module's codes are captured by hooks, as `spline_codes` does; `exact` reads it as a
        network. Of Codes row i is that of input i.
    inputs : array (inputs, ...), or iterable of batches, or of (batch, labels) pairs
    pairs : integers (pairs, 2), optional
        Rows of inputs. None: sampled from the labels.
    labels : array-like (inputs,), optional
        Instead of those of the iterable.
    n : int
        Pairs to sample of each kind: uniform among all pairs of the kind, none twice.
    matched : bool
        Sample different-class pairs at the distances of the same-class ones, see `matched_pairs`:
        inputs of one class lie closer together, and density divides by the distance. The distances
        are those of `distance_of`, for which every input is run.
    exact : bool
        Also count every crossing of the segment from x to y, which must be straight in the input of
        a piecewise-linear network. A unit that crosses and crosses back between the two is missed
        by the ends: `missed` counts these crossings. It grows with the distance and the depth,
        where the network folds the segment; 0 in the first layer of units with one boundary.
    layers : glob or globs over the names of layers, optional
    distance_of : "inputs", or the name of a module or node
        Divide by the distance between its outputs instead. Of a Network, and with `exact`, segments
        are straight there, and the layers are those after it.
    nan : "omit", "propagate" or "raise"
        What a pair at distance 0 does, whose density is NaN: it is left out of the statistics, or
        makes them NaN, or raises.
    confidence, resamples : float, int
        Of the bootstrap intervals (percentile); 0 resamples for none.
    resample : "inputs" or "pairs"
        What is drawn with replacement, see `compare_groups`. "inputs" by default: pairs that share
        an input are not independent, and intervals of resampled pairs are the narrower the more
        pairs an input stands in. (In a simulation of 20 pairs an input, of values a_i + a_j +
        noise, 95 % intervals of a mean held it half of the time, and with "inputs" 9 times of 10.)
        Where each input stands in one pair both agree.
    seed : int
        Of the pairs and the bootstrap.
    batch_size : int
        Inputs of a forward pass, segments of a sweep.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    density : BoundaryDensity

    Raises
    ------
    TypeError : a subject of another kind, pairs that are no integers.
    ValueError : neither pairs nor labels, too few pairs of a kind, rows that there are not, layers
        that match nothing, NaN or inf in inputs, NaN in labels, an unknown option, exact crossings
        of Codes.
    UnsupportedNetworkError : a module that is not piecewise linear, with `exact`.

    Notes
    -----
    Inputs that stand in a pair run once; O(pairs * words) for the endpoints. Codes take one bit a
    unit, and 16 MiB of them are gathered at a time.

    """
    need_resampling(confidence, resamples)
    _need_one_of(nan, "nan", ("omit", "propagate", "raise"))
    _need_one_of(resample, "resample", ("inputs", "pairs"))
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    x, labels = batch_of(inputs, labels)
    if isinstance(subject, Codes) and len(subject) != len(x):
        raise ValueError(f"subject has {len(subject)} codes and inputs {len(x)}; wanted one each")
    _need_pairs_or_labels(pairs, labels, matched)

    def run(rows: Tensor) -> Measured:
        return measured(
            subject,
            rows,
            exact=exact,
            layers=layers,
            distance_of=distance_of,
            batch_size=batch_size,
            progress=progress,
        )

    found = run(x) if matched and distance_of != INPUTS else None
    ends, sampling = _pairs_of(found.points if found else x, pairs, labels, n, matched, seed)
    kind = None if labels is None else (labels[ends[:, 0]] != labels[ends[:, 1]]).astype(np.int8)
    used, places = np.unique(ends, return_inverse=True)
    if found or isinstance(subject, Codes) or len(used) == len(x):
        found, places = found or run(x), ends
    else:
        found = run(x[torch.from_numpy(used).to(x.device)])
        places = places.reshape(ends.shape)
    distance = pair_distances(_on_host(found.points), places)
    _need_apart(distance, nan)
    counts, work = found.counts(places, batch_size, progress)
    densities = {
        name: per_length(count, distance, "the distance of inputs", "pairs")
        for name, count in {"endpoint": counts.endpoint, "exact": counts.exact}.items()
        if count is not None
    }
    options = {
        "pairs": ends if resample == "inputs" else None,
        "confidence": confidence,
        "resamples": resamples,
        "seed": seed,
    }
    return BoundaryDensity(
        layers=tuple(layer.name for layer in found.layers),
        bits=np.array([layer.bits for layer in found.layers], np.int64),
        pairs=ends,
        kind=kind,
        distance=distance,
        endpoint_counts=counts.endpoint,
        exact_counts=counts.exact,
        endpoint=densities["endpoint"],
        exact=densities.get("exact"),
        **_statistics(densities, kind, distance > 0 if nan == "omit" else None, options),
        confidence=confidence,
        distance_of=distance_of,
        work={"pairs": len(ends), "inputs": len(used), **work}
        | sampling
        | {"pairs at distance 0": int((distance == 0).sum())},
    )


def _need_one_of(value: str, name: str, wanted: tuple[str, ...]) -> None:
    if value not in wanted:
        raise ValueError(f"{name} is {value!r}; wanted one of {', '.join(map(repr, wanted))}")


def _need_pairs_or_labels(pairs: Any, labels: Any, matched: bool) -> None:
    if pairs is None and labels is None:
        raise ValueError("neither pairs nor labels; wanted pairs, or labels to sample them from")
    if pairs is not None and matched:
        raise ValueError("matched chooses pairs by itself: wanted no pairs beside it")


def _pairs_of(
    points: Tensor, pairs: Any, labels: Any, n: int, matched: bool, seed: int
) -> tuple[Indices, dict[str, int]]:
    """Return the pairs given or sampled, and what is to be told of the sampling."""
    if pairs is not None:
        return _checked_pairs(pairs, len(points)), {}
    if not matched:
        return np.concatenate(same_and_different_pairs(labels, n, seed)), {}
    found = matched_pairs(labels, _on_host(points), n, seed)
    ends = np.concatenate([found.same, found.different])
    return ends, {MATCHED: found.unmatched}


def _checked_pairs(pairs: Any, inputs: int) -> Indices:
    pairs = np.asarray(pairs)
    if pairs.dtype.kind not in "iu":
        raise TypeError(f"pairs has dtype {pairs.dtype}; wanted integers, rows of inputs")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise ValueError(f"pairs has shape {pairs.shape}; wanted (pairs, 2), at least one")
    if pairs.min() < 0 or pairs.max() >= inputs:
        raise ValueError(
            f"pairs holds rows from {pairs.min()} to {pairs.max()}; wanted 0 to {inputs - 1}, the "
            "rows of inputs"
        )
    return np.asarray(pairs, np.int64)


def _on_host(points: Tensor) -> np.ndarray[Any, Any]:
    """Return points as numpy, which has no bfloat16."""
    points = points.detach()
    return to_host(points.float() if points.dtype == torch.bfloat16 else points)


def _need_apart(distance: Values, nan: str) -> None:
    same = int((distance == 0).sum())
    if nan == "raise" and same:
        raise ValueError(
            f"{same} of {len(distance)} pairs are at distance 0, where density is NaN; wanted "
            "others, or nan='omit' to leave them out of the statistics"
        )


def _statistics(
    densities: dict[str, Values],
    kind: Kinds | None,
    kept: np.ndarray[Any, np.dtype[np.bool_]] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return `means` or, where there are kinds, `comparison` of every density at once."""
    columns = np.concatenate([with_total(values) for values in densities.values()], axis=1)
    if kept is not None:
        columns = columns[kept]
        kind = None if kind is None else kind[kept]
        options = {**options, "pairs": None if options["pairs"] is None else options["pairs"][kept]}
    width = columns.shape[1] // len(densities)
    parts = {name: slice(i * width, (i + 1) * width) for i, name in enumerate(densities)}
    if kind is None:
        mean = mean_interval(columns, **options)
        return {"comparison": None, "means": {name: mean.part(parts[name]) for name in parts}}
    found = compare_groups(columns, kind == 1, **options)
    return {"comparison": {name: found.part(parts[name]) for name in parts}, "means": None}

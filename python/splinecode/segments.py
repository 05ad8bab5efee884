"""Exact crossings of line segments with the polytope boundaries of a network.

On an open interval of t where no unit of a layer changes sign, the unit's bit is 1 iff z > 0 there
(identically zero: 0). A *crossing* (t, layer, unit, direction) stands where the bits of the two
open intervals beside t differ. Touching zero without passing is no crossing. Affine maps commute
with interpolation, so a sweep carries a layer's values at the knots of a segment, and each kink
adds knots (ExactLine: Sotoudeh and Thakur, "Computing Linear Restrictions of Neural Networks",
NeurIPS 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from . import _core, steps
from .arrays import Array, as_numpy, from_numpy, library_of, need_same_place
from .codes import Codes, words_for
from .network import Network, Place
from .progress import progress_bar
from .rounding import UNIT, Bound, Norms, Tolerance, Vector, network_norms
from .steps import Kink

_GROUP_BYTES = 1 << 27
"""Segments are swept together while their largest layer is expected to stay within this."""


@dataclass(frozen=True)
class _Events:
    """Crossings of all segments in the order (segment, t, layer, unit), as numpy columns."""

    segment: np.ndarray[Any, Any]
    t: Vector
    t_error: Vector
    layer: np.ndarray[Any, Any]
    unit: np.ndarray[Any, Any]
    direction: np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Swept:
    """What the sweep of a group of segments gives."""

    events: _Events
    first_codes: np.ndarray[Any, Any]
    ambiguous: np.ndarray[Any, Any]
    knot_offsets: np.ndarray[Any, Any]
    knots: Vector
    values: Vector


class Crossings:
    """The crossings of one or more segments, and the network restricted to them.

    Arrays are of the library of the segments' ends. Crossings of segment s are the entries
    ``offsets[s]:offsets[s + 1]``, in the order (t, layer, unit); its knots are
    ``knot_offsets[s]:knot_offsets[s + 1]``.

    Attributes
    ----------
    t : float64 (n,), in the open interval (0, 1)
    t_error : float64 (n,), the true t lies within t +- t_error
    layer : int64 (n,), index into `layers`
    unit : int64 (n,), the bit within the layer
    direction : int8 (n,), +1 off to on, -1 on to off
    offsets : int64 (segments + 1,)
    ambiguous : bool (segments,)
        False: the crossings are those of exact arithmetic on the float64 weights of the network
        read, in the same order, each within its `t_error`. True: somewhere a value was closer to a
        boundary, or two crossings to each other, than the proven rounding bound can tell. What
        typical rounding explains was taken to be a tie (a unit on its boundary, crossings at one
        point): true ties, such as a segment through a vertex, come out as in exact arithmetic,
        near-ties may not. Elements of a pooling window that were computed exactly equal are taken
        as equal without a mark.
    knots : float64 (k,), rising from 0 to 1 in each segment
    knot_offsets : int64 (segments + 1,)
    values : float64 (k, *output_shape), the network's output at the knots; linear between them
    layers : tuple of Layer

    """

    def __init__(self, network: Network, swept: _Swept, library: str) -> None:
        self.layers = network.layers
        self._swept = swept
        self._library = library
        events = swept.events
        segments = len(swept.ambiguous)
        self._offsets = np.searchsorted(events.segment, np.arange(segments + 1))
        self.t = self._out(events.t)
        self.t_error = self._out(events.t_error)
        self.layer = self._out(events.layer)
        self.unit = self._out(events.unit)
        self.direction = self._out(events.direction)
        self.offsets = self._out(self._offsets)
        self.ambiguous = self._out(swept.ambiguous)
        self.knots = self._out(swept.knots)
        self.knot_offsets = self._out(swept.knot_offsets)
        self.values = self._out(swept.values.reshape(len(swept.knots), *network.output_shape))

    def _out(self, values: np.ndarray[Any, Any]) -> Array:
        return from_numpy(values, self._library)

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self._offsets) - 1

    def count(self, *, per_layer: bool = False) -> Array:
        """Count the crossings of each segment: int64 (segments,), or (segments, layers)."""
        if not per_layer:
            return self._out(np.diff(self._offsets))
        n_layers = len(self.layers)
        flat = self._swept.events.segment * n_layers + self._swept.events.layer
        counts = np.bincount(flat, minlength=len(self) * n_layers)
        return self._out(counts.reshape(len(self), n_layers))

    def codes(self, segment: int | None = None) -> Codes:
        """Return the spline code on every piece (open interval between neighbouring knots).

        Parameters
        ----------
        segment : int, optional
            Only the pieces of this segment; else those of all segments, one after the other: the
            pieces of segment s then start at ``knot_offsets[s] - s``.

        Returns
        -------
        codes : Codes, one row a piece

        Notes
        -----
        O(pieces * words) memory.

        """
        if segment is None:
            parts = [self._piece_words(s) for s in range(len(self))]
            width = sum(layer.words for layer in self.layers)
            words = np.concatenate([np.empty((0, width), np.uint64), *parts])
        else:
            if not -len(self) <= segment < len(self):
                raise IndexError(f"segment {segment} of {len(self)}")
            words = self._piece_words(segment % len(self))
        return Codes(self._out(words), self.layers)

    def _piece_words(self, s: int) -> np.ndarray[Any, Any]:
        """Flip the bits of the segment's crossings one after the other, from its first code on."""
        swept = self._swept
        knots = swept.knots[swept.knot_offsets[s] : swept.knot_offsets[s + 1]]
        words = np.zeros((len(knots) - 1, swept.first_codes.shape[1]), np.uint64)
        words[0] = swept.first_codes[s]
        mine = slice(self._offsets[s], self._offsets[s + 1])
        piece = np.searchsorted(knots, swept.events.t[mine], side="right") - 1
        starts = np.cumsum([0, *(layer.words for layer in self.layers)])
        unit = swept.events.unit[mine]
        word = starts[swept.events.layer[mine]] + unit // 64
        bit = np.uint64(1) << (unit % 64).astype(np.uint64)
        np.bitwise_xor.at(words, (piece, word), bit)
        return np.bitwise_xor.accumulate(words, axis=0)

    def __repr__(self) -> str:
        flagged = int(self._swept.ambiguous.sum())
        note = f", {flagged:,} ambiguous" if flagged else ""
        return (
            f"Crossings({len(self._swept.events.t):,} crossings of {len(self):,} segments with "
            f"{sum(layer.bits for layer in self.layers):,} units in {len(self.layers)} layers"
            f"{note})"
        )


def crossings(network: Network, a: Array, b: Array, *, progress: bool = False) -> Crossings:
    """Intersect line segments with all polytope boundaries of a network, exactly.

    Parameters
    ----------
    network : Network from `read_network`
    a, b : floating arrays, both (*input_shape) for one segment or (n, *input_shape) for n
        Ends of the segments x(t) = a + t (b - a), on the CPU. Narrower floats are taken to float64.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    crossings : Crossings

    Raises
    ------
    TypeError : network is no Network, or a or b no floating array.
    ValueError : shapes that are not those of inputs or differ, NaN or inf, values that overflow.

    Notes
    -----
    float64; O(knots * weights) for affine steps, which run in torch, and O(knots * units) for
    kinks, which run in the compiled core. Segments are swept together in groups of bounded memory.
    With another thread count or grouping, t may differ within `t_error`.

    """
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; wanted a Network: "
            "read_network(module, example_input)"
        )
    a_rows, b_rows = _segment_ends(network, a, b)
    norms = network_norms(network)
    groups = []
    with progress_bar(len(a_rows), "segments", progress) as advance, torch.no_grad():
        for group in _groups(network, len(a_rows)):
            groups.append(_sweep(network, norms, a_rows[group], b_rows[group]))
            advance(group.stop - group.start)
    return Crossings(network, _joined(groups), library_of(a, "a"))


def _segment_ends(network: Network, a: Array, b: Array) -> tuple[torch.Tensor, torch.Tensor]:
    need_same_place(a, "a", b, "b")
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; wanted the same: "
            "the two ends of each segment"
        )
    if tuple(a.shape) == network.input_shape:
        a, b = a[None], b[None]
    elif tuple(a.shape[1:]) != network.input_shape:
        raise ValueError(
            f"a and b have shape {tuple(a.shape)}; wanted {network.input_shape} for "
            f"one segment or (n, *{network.input_shape}) for n"
        )
    return network.as_rows(a, "a"), network.as_rows(b, "b")


def _groups(network: Network, segments: int) -> Iterator[slice]:
    """Cut the segments into groups by an upper estimate of memory: as many knots as units."""
    widest = max(
        [math.prod(network.input_shape)]
        + [math.prod(place.step.output_shape(place.input_shape)) for place in network.places]
    )
    knots = 2 + min(network.n_bits, 4 * widest)
    size = max(1, _GROUP_BYTES // (8 * widest * knots))
    starts = range(0, segments, size) if segments else [0]
    return (slice(start, min(start + size, segments)) for start in starts)


class _Sweep:
    """The state of a sweep: knots of a group of segments and a layer's values there."""

    def __init__(self, a: torch.Tensor, b: torch.Tensor) -> None:
        segments, units = a.shape
        self.offsets = 2 * np.arange(segments + 1)
        self.t = np.tile([0.0, 1.0], segments)
        self.t_error = np.zeros(2 * segments)
        self.values = torch.stack([a, b], dim=1).reshape(2 * segments, units)
        self.bound = Bound.of_inputs(a, b)
        self.tolerance: Tolerance | None = None
        self.ambiguous = np.zeros(segments, bool)
        self.first_codes: list[np.ndarray[Any, Any]] = []
        self.crossings: list[tuple[np.ndarray[Any, Any], ...]] = []

    def affine(self, place: Place, norms: Norms | None) -> None:
        """Map the values at the knots."""
        self.values = place.step(self.values, place.input_shape)
        if norms is not None:
            self.tolerance = self.bound.affine(norms)

    def kink(self, place: Place) -> None:
        """Find the layer's crossings, insert their knots, apply the pieces."""
        rounding = 4 * UNIT * (len(self.first_codes) + 1)
        values = np.ascontiguousarray(self.values.numpy())
        state = (self.offsets, self.t, self.t_error, values)
        if isinstance(place.step, steps.ReLU):
            tolerance = self._unit_tolerance(values.shape[1])
            found = _core.relu_step(*state, *tolerance, place.step.negative_slope, rounding)
        else:
            assert isinstance(place.step, steps.MaxPool2d)
            windows = np.ascontiguousarray(place.step.windows(place.input_shape))
            tolerance = Tolerance(2 * self.bound.snapinf, 2 * self.bound.einf)
            found = _core.max_pool_step(*state, *tolerance, windows, rounding)
        knots, crossings, first_codes, ambiguous, sizes = found
        self.offsets, self.t, self.t_error, out = knots
        self.values = torch.from_numpy(out)
        self.first_codes.append(first_codes)
        self.crossings.append(crossings)
        self.ambiguous |= ambiguous.astype(bool)
        self.bound.kink(place.step)
        self.bound.measure(*sizes, self.offsets)
        self.tolerance = None
        self._need_finite(self.bound.size2, place)

    def _unit_tolerance(self, units: int) -> Tolerance:
        """Tolerances of each unit; after another kink only those of the worst are known."""
        if self.tolerance is not None:
            return self.tolerance
        worst = (self.bound.snapinf, self.bound.einf)
        return Tolerance(*(np.repeat(values[:, None], units, axis=1) for values in worst))

    @staticmethod
    def _need_finite(values: Vector, place: Place) -> None:
        if not np.isfinite(values).all():
            raise ValueError(
                f"values overflow float64 at {place.name!r}; scale the weights or the "
                "ends of the segments down"
            )

    def finish(self, place: Place) -> None:
        """Check the outputs of the last step, and mark segments with knots too close to order."""
        self._need_finite(self.values.numpy(), place)
        close = np.diff(self.t) <= self.t_error[1:] + self.t_error[:-1]
        last = np.zeros(len(self.t), bool)
        last[self.offsets[1:] - 1] = True  # the step from one segment to the next is no gap
        rows = np.flatnonzero(close & ~last[:-1])
        self.ambiguous[np.searchsorted(self.offsets, rows, side="right") - 1] = True


def _sweep(
    network: Network, norms_by_place: list[Norms | None], a: torch.Tensor, b: torch.Tensor
) -> _Swept:
    """Sweep a group of segments through all steps."""
    sweep = _Sweep(a, b)
    for place, norms in zip(network.places, norms_by_place, strict=True):
        if isinstance(place.step, Kink):
            sweep.kink(place)
        else:
            sweep.affine(place, norms)
    sweep.finish(network.places[-1])
    first_codes = np.concatenate([np.zeros((len(a), 0), np.uint64), *sweep.first_codes], axis=1)
    assert first_codes.shape[1] == sum(words_for(layer.bits) for layer in network.layers)
    return _Swept(
        _ordered_events(sweep.crossings),
        first_codes,
        sweep.ambiguous,
        sweep.offsets,
        sweep.t,
        as_numpy(sweep.values, "values"),
    )


def _ordered_events(by_layer: list[tuple[np.ndarray[Any, Any], ...]]) -> _Events:
    """Merge the crossings of the layers into the order (segment, t, layer, unit)."""
    dtypes = (np.int64, np.float64, np.float64, np.int64, np.int8)
    columns = [
        np.concatenate([np.empty(0, dtype), *(layer[i] for layer in by_layer)])
        for i, dtype in enumerate(dtypes)
    ]
    segment, t, t_error, unit, direction = columns
    layer = np.repeat(np.arange(len(by_layer)), [len(found[0]) for found in by_layer])
    # Stable, and what comes in is ordered by layer and, but for pools and equal t, by unit.
    order = np.lexsort((t, segment))
    same = (np.diff(segment[order]) == 0) & (np.diff(t[order]) == 0)
    if (same & (np.diff(layer[order]) == 0) & (np.diff(unit[order]) < 0)).any():
        order = np.lexsort((unit, layer, t, segment))
    return _Events(
        segment[order], t[order], t_error[order], layer[order], unit[order], direction[order]
    )


def _joined(groups: list[_Swept]) -> _Swept:
    """Put the results of consecutive groups of segments together."""
    if len(groups) == 1:
        return groups[0]
    sizes = [len(group.ambiguous) for group in groups]
    first_segment = np.cumsum([0, *sizes])
    first_knot = np.cumsum([0, *(len(group.knots) for group in groups)])
    events = _Events(
        segment=np.concatenate(
            [
                group.events.segment + start
                for group, start in zip(groups, first_segment, strict=False)
            ]
        ),
        **{
            name: np.concatenate([getattr(group.events, name) for group in groups])
            for name in ("t", "t_error", "layer", "unit", "direction")
        },
    )
    offsets = [
        group.knot_offsets[:-1] + start for group, start in zip(groups, first_knot, strict=False)
    ]
    return _Swept(
        events,
        first_codes=np.concatenate([group.first_codes for group in groups]),
        ambiguous=np.concatenate([group.ambiguous for group in groups]),
        knot_offsets=np.concatenate([*offsets, first_knot[-1:]]),
        knots=np.concatenate([group.knots for group in groups]),
        values=np.concatenate([group.values for group in groups]),
    )

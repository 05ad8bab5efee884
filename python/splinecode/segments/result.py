"""The crossings of segments, and the network restricted to them."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import _core
from ..arrays import Array, as_torch, empty, from_torch, torch_beside, uploaded
from ..certify import Certificate, SegmentRun, SegmentTie
from ..codes import Codes, Layer
from ..kernels import run
from ..network import Network
from . import integrals


class Ranges(NamedTuple):
    """Ranges [low, high] of t on some segments: int64, float64 and float64 (ranges,)."""

    segment: Array
    low: Array
    high: Array

    def of(self, chosen: Array) -> Ranges:
        """Return some of them."""
        return Ranges(self.segment[chosen], self.low[chosen], self.high[chosen])


class Events(NamedTuple):
    """Crossings of all segments in the order (segment, t, layer, unit), as columns (n,).

    int64, but for t and t_error, which are float64, and direction, which is int8. Tensors, as those
    of `Ranges`, or numpy's arrays while a sweep is certified.
    """

    segment: Array
    t: Array
    t_error: Array
    layer: Array
    unit: Array
    direction: Array


@dataclass(frozen=True)
class Swept:
    """What a sweep of segments gives: tensors on one device, the CPU or a GPU.

    Attributes
    ----------
    segments : int
    events : Events
    first_codes : int64 (segments, words)
        The words of each segment's first piece, bit for bit: torch does little with uint64.
    knot_offsets : int64 (segments + 1,)
    knots : float64 (knots,)
    values : float64 (knots * outputs,), the output at one knot after the other
    ambiguous : Ranges
    assumed : Ranges
        Where elements of a pooling window were computed equal, and so taken to be.

    """

    segments: int
    events: Events
    first_codes: Tensor
    knot_offsets: Tensor
    knots: Tensor
    values: Tensor
    ambiguous: Ranges
    assumed: Ranges


class Crossings:
    """The crossings of one or more segments, and the network restricted to them.

    Arrays are of the library of the segments' ends and on their device, where everything is
    computed; what reads numbers back from a GPU, and so waits, says so. cupy's are in torch's
    memory and belong to the stream that was current: use them there. Crossings of segment s are the
    entries ``offsets[s]:offsets[s + 1]``, in the order (t, layer, unit); its knots are
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
    ambiguous_ranges : (segment int64, low float64, high float64), each (ranges,)
        Where that is: outside of these ranges of t the mark's False holds.
    knots : float64 (k,), rising from 0 to 1 in each segment
    knot_offsets : int64 (segments + 1,)
    values : float64 (k, *output_shape), the network's output at the knots; linear between them
    layers : tuple of Layer
    certified, t_lo, t_hi, ties, runs
        With ``certify=True`` alone. certified : bool (segments,), the crossings are proven to be
        those of exact arithmetic, none missed, merged or invented. t_lo, t_hi : float64 (n,),
        enclosures of the true t; those of crossings at different t have no more than an end in
        common, but for crossings between the same two float64 numbers (`exact_t` tells them
        apart). ties, runs : lists of the degenerate places that were met where exact arithmetic
        was needed.

    """

    def __init__(
        self,
        network: Network,
        swept: Swept,
        library: str,
        certificate: Certificate | None = None,
    ) -> None:
        self._network = network
        self._certificate = certificate
        self._swept = swept
        self._library = library

    @cached_property
    def _offsets(self) -> Tensor:
        with self._beside():
            segments = torch.arange(len(self) + 1, device=self._device)
            offsets: Tensor = torch.searchsorted(self._swept.events.segment, segments)
            return offsets

    @cached_property
    def _places(self) -> Tensor:
        """Where the bit of each crossing is in a code: 64 times its word, plus the bit's number."""
        words = accumulate((layer.words for layer in self.layers), initial=0)
        with self._beside():
            first = as_torch(uploaded(64 * np.fromiter(words, np.int64), self._swept.knots))
            places: Tensor = first[self._swept.events.layer] + self._swept.events.unit
            return places

    @property
    def _device(self) -> torch.device:
        return self._swept.knots.device

    def _beside(self) -> AbstractContextManager[Any]:
        """Let torch work on the current stream of the arrays' library."""
        return torch_beside(self._library, self._device)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Names and bits of the network's layers."""
        return self._network.layers

    @property
    def t(self) -> Array:
        """Where the crossings are, float64 (n,), in the open interval (0, 1)."""
        return self._out(self._swept.events.t)

    @property
    def t_error(self) -> Array:
        """The true t lies within t +- t_error, float64 (n,)."""
        return self._out(self._swept.events.t_error)

    @property
    def layer(self) -> Array:
        """Index into `layers`, int64 (n,)."""
        return self._out(self._swept.events.layer)

    @property
    def unit(self) -> Array:
        """The bit within the layer, int64 (n,)."""
        return self._out(self._swept.events.unit)

    @property
    def direction(self) -> Array:
        """+1 off to on, -1 on to off, int8 (n,)."""
        return self._out(self._swept.events.direction)

    @property
    def offsets(self) -> Array:
        """Where each segment's crossings begin, int64 (segments + 1,)."""
        return self._out(self._offsets)

    @property
    def ambiguous(self) -> Array:
        """Whether rounding left something open on a segment, bool (segments,)."""
        return self._out(self._ambiguous)

    @property
    def knots(self) -> Array:
        """Rising from 0 to 1 in each segment, float64 (k,)."""
        return self._out(self._swept.knots)

    @property
    def knot_offsets(self) -> Array:
        """Where each segment's knots begin, int64 (segments + 1,)."""
        return self._out(self._swept.knot_offsets)

    @property
    def values(self) -> Array:
        """The output at the knots, float64 (k, *output_shape)."""
        shape = (len(self._swept.knots), *self._network.output_shape)
        return self._out(self._swept.values.reshape(shape))

    @property
    def _ambiguous(self) -> Tensor:
        with self._beside():
            marks = torch.zeros(len(self), dtype=torch.bool, device=self._device)
            return marks.index_fill_(0, self._swept.ambiguous.segment, True)

    @property
    def ambiguous_ranges(self) -> tuple[Array, Array, Array]:
        """Segment, low and high of the ranges of t that rounding left open."""
        segment, low, high = map(self._out, self._swept.ambiguous)
        return segment, low, high

    @property
    def certified(self) -> Array:
        """Whether a segment's crossings are proven complete and in order, bool (segments,)."""
        return self._out(self._proof.certified)

    @property
    def t_lo(self) -> Array:
        """The true crossing is at t_lo or above, float64 (n,)."""
        return self._out(self._proof.t_lo)

    @property
    def t_hi(self) -> Array:
        """The true crossing is at t_hi or below, float64 (n,)."""
        return self._out(self._proof.t_hi)

    @property
    def ties(self) -> list[SegmentTie]:
        """Points where boundaries of several units meet, exactly: (segment, t, bits)."""
        return self._proof.ties

    @property
    def runs(self) -> list[SegmentRun]:
        """Units that lie on a boundary over an interval: (segment, start, stop, layer, unit)."""
        return self._proof.runs

    def exact_t(self, i: int) -> Fraction | None:
        """Return the exact t of crossing i if it was resolved in rational arithmetic."""
        return self._proof.exact.get(range(len(self._swept.events.t))[i])

    @property
    def _proof(self) -> Certificate:
        if self._certificate is None:
            raise AttributeError("nothing was certified; wanted crossings(..., certify=True)")
        return self._certificate

    def _out(self, values: Tensor) -> Array:
        with self._beside():
            return from_torch(values, self._library)

    def __len__(self) -> int:
        """Return the number of segments."""
        return self._swept.segments

    def count(self, *, per_layer: bool = False) -> Array:
        """Count the crossings of each segment: int64 (segments,), or (segments, layers)."""
        with self._beside():
            return self._out(self._layer_counts() if per_layer else self._offsets.diff())

    def _layer_counts(self) -> Tensor:
        n_layers = len(self.layers)
        flat = self._swept.events.segment * n_layers + self._swept.events.layer
        counts: Tensor = flat.new_zeros(len(self) * n_layers)
        counts.index_add_(0, flat, torch.ones_like(flat))
        return counts.reshape(len(self), n_layers)

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
        O(pieces * words) memory. With `segment` waits for a GPU.

        """
        n, swept = len(self), self._swept
        if segment is None:
            words = self._piece_words(0, n, (0, len(swept.events.t)), (0, len(swept.knots)))
        else:
            if not -n <= segment < n:
                raise IndexError(f"segment {segment} of {n}")
            s = segment % n
            with self._beside():
                ends = torch.cat([self._offsets[s : s + 2], swept.knot_offsets[s : s + 2]])
                begin, end, knot, last = ends.tolist()
            words = self._piece_words(s, s + 1, (begin, end), (knot, last))
        return Codes._trusted(self._out(words), self.layers)

    def _piece_words(
        self, start: int, stop: int, events: tuple[int, int], knots: tuple[int, int]
    ) -> Tensor:
        """Flip the bits of crossings one after the other, from segments' first codes on."""
        swept = self._swept
        with self._beside():
            first = swept.first_codes[start:stop].view(torch.uint64)
            pieces = knots[1] - knots[0] - len(first)
            words: Tensor = empty(first, (pieces, first.shape[1]), "uint64", "codes")
            run(
                _core.piece_codes,
                words,
                first,
                self._offsets[start : stop + 1] - events[0],
                swept.events.t[slice(*events)],
                self._places[slice(*events)],
                swept.knot_offsets[start : stop + 1] - knots[0],
                swept.knots[slice(*knots)],
                words,
            )
        return words

    def pieces(self) -> integrals.Pieces:
        """Return the linear pieces: segment, t interval, output at its left end and slope.

        Piece i of segment s is row ``knot_offsets[s] - s + i``, as in `codes`.
        """
        swept = self._swept
        with self._beside():
            segment, t, value, slope = integrals.pieces(swept.knot_offsets, swept.knots, self._rows)
        shape = (len(t), *self._network.output_shape)
        value, slope = value.reshape(shape), slope.reshape(shape)
        return integrals.Pieces(*map(self._out, (segment, t, value, slope)))

    def deviation(self) -> Array:
        """Integrate |output - chord| along each segment: float64 (segments, *output_shape).

        The chord joins the outputs at the ends, t goes from 0 to 1; times the length of the segment
        it is the integral over arc length: Gamba et al., AISTATS 2022.
        """
        swept = self._swept
        with self._beside():
            found = integrals.deviation(swept.knot_offsets, swept.knots, self._rows)
        return self._per_segment(found)

    def variation(self) -> Array:
        """Return the total variation of each output along each segment.

        float64 (segments, *output_shape).
        """
        with self._beside():
            found = integrals.variation(self._swept.knot_offsets, self._rows)
        return self._per_segment(found)

    def argmax_changes(self) -> integrals.ArgmaxChanges:
        """Return where the largest output changes: (segment, t, before, after), (changes,) each.

        The decision boundaries of a classifier, at their exact t but for rounding. Outputs that tie
        along a piece count as the lowest of them. Waits for a GPU: five times, and once for each
        class that the pieces of most classes pass through.
        """
        swept = self._swept
        with self._beside():
            found = integrals.argmax_changes(swept.knot_offsets, swept.knots, self._rows)
        return integrals.ArgmaxChanges(*map(self._out, found))

    @property
    def library(self) -> str:
        """The library of the arrays: "numpy", "torch" or "cupy"."""
        return self._library

    def end_words(self) -> tuple[Array, Array]:
        """Return the words of each segment's last piece and of its first, uint64 (segments, w)."""
        first = self._swept.first_codes.view(torch.uint64)
        with self._beside():
            last = self._swept.first_codes.clone().view(torch.uint64)
            run(_core.flip_bits, last, self._swept.events.segment, self._places, last)
        return self._out(last), self._out(first)

    @property
    def _rows(self) -> Tensor:
        outputs = math.prod(self._network.output_shape)
        return self._swept.values.reshape(len(self._swept.knots), outputs)

    def _per_segment(self, values: Tensor) -> Array:
        return self._out(values.reshape(len(self), *self._network.output_shape))

    def __repr__(self) -> str:
        """Describe the crossings; waits for a GPU."""
        with self._beside():
            flagged = int(self._ambiguous.sum())
        note = f", {flagged:,} ambiguous" if flagged else ""
        return (
            f"Crossings({len(self._swept.events.t):,} crossings of {len(self):,} segments with "
            f"{sum(layer.bits for layer in self.layers):,} units in {len(self.layers)} layers"
            f"{note})"
        )

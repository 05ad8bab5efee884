"""The crossings of segments, and the network restricted to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, from_numpy
from ..certify import Certificate, SegmentRun, SegmentTie
from ..codes import Codes, Layer
from ..network import Network
from . import integrals
from .norms import Vector

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


class Ranges(NamedTuple):
    """Ranges [low, high] of t on some segments."""

    segment: Integers
    low: Vector
    high: Vector

    def of(self, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Ranges:
        """Return some of them."""
        return Ranges(self.segment[chosen], self.low[chosen], self.high[chosen])


class Events(NamedTuple):
    """Crossings of all segments in the order (segment, t, layer, unit), as columns."""

    segment: Integers
    t: Vector
    t_error: Vector
    layer: Integers
    unit: Integers
    direction: np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True)
class Swept:
    """What a sweep of segments gives, in numpy."""

    segments: int
    events: Events
    first_codes: np.ndarray[Any, np.dtype[np.uint64]]
    knot_offsets: Integers
    knots: Vector
    values: Vector
    ambiguous: Ranges
    assumed: Ranges
    """Where elements of a pooling window were computed equal, and so taken to be."""


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
    def _offsets(self) -> Integers:
        swept = self._swept
        offsets: Integers = np.searchsorted(swept.events.segment, np.arange(swept.segments + 1))
        return offsets

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
    def _ambiguous(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        marks = np.zeros(self._swept.segments, bool)
        marks[self._swept.ambiguous.segment] = True
        return marks

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

    def _out(self, values: np.ndarray[Any, Any]) -> Array:
        return from_numpy(values, self._library)

    def __len__(self) -> int:
        """Return the number of segments."""
        return self._swept.segments

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

    def pieces(self) -> integrals.Pieces:
        """Return the linear pieces: segment, t interval, output at its left end and slope.

        Piece i of segment s is row ``knot_offsets[s] - s + i``, as in `codes`.
        """
        swept = self._swept
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
        return self._per_segment(integrals.deviation(swept.knot_offsets, swept.knots, self._rows))

    def variation(self) -> Array:
        """Return the total variation of each output along each segment.

        float64 (segments, *output_shape).
        """
        return self._per_segment(integrals.variation(self._swept.knot_offsets, self._rows))

    def argmax_changes(self) -> integrals.ArgmaxChanges:
        """Return where the largest output changes: (segment, t, before, after), (changes,) each.

        The decision boundaries of a classifier, at their exact t but for rounding. Outputs that tie
        along a piece count as the lowest of them.
        """
        swept = self._swept
        found = integrals.argmax_changes(swept.knot_offsets, swept.knots, self._rows)
        return integrals.ArgmaxChanges(*map(self._out, found))

    @property
    def library(self) -> str:
        """The library of the arrays, "numpy" or "torch"."""
        return self._library

    def end_words(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the words of each segment's last piece and of its first, uint64 (segments, w)."""
        first = self._swept.first_codes
        last = first.copy()
        starts = np.cumsum([0, *(layer.words for layer in self.layers)])
        unit = self._swept.events.unit
        word = starts[self._swept.events.layer] + unit // 64
        bit = np.uint64(1) << (unit % 64).astype(np.uint64)
        np.bitwise_xor.at(last, (self._swept.events.segment, word), bit)
        return last, first

    @property
    def _rows(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        outputs = math.prod(self._network.output_shape)
        return self._swept.values.reshape(len(self._swept.knots), outputs)

    def _per_segment(self, values: np.ndarray[Any, Any]) -> Array:
        return self._out(values.reshape(len(self), *self._network.output_shape))

    def __repr__(self) -> str:
        flagged = int(self._ambiguous.sum())
        note = f", {flagged:,} ambiguous" if flagged else ""
        return (
            f"Crossings({len(self._swept.events.t):,} crossings of {len(self):,} segments with "
            f"{sum(layer.bits for layer in self.layers):,} units in {len(self.layers)} layers"
            f"{note})"
        )

"""What `block_crossings` returns, in the grammar of `Crossings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import Array, from_numpy
from ..codes import Codes
from .events import Events

if TYPE_CHECKING:
    from .block import MlpBlock

Vector = np.ndarray[Any, Any]
Matrix = np.ndarray[Any, Any]


class BlockCrossings:
    """The crossings of one or more segments of a residual stream with one layer's boundaries.

    Arrays are of the library of the segments' ends. Crossings of segment s are the entries
    ``offsets[s]:offsets[s + 1]``, in the order (t, unit); its knots are
    ``knot_offsets[s]:knot_offsets[s + 1]``. There are no `values`: a smooth activation is not
    linear between knots.

    Attributes
    ----------
    t : float64 (n,), in the open interval (0, 1)
    t_error : float64 (n,), the true t lies within t +- t_error
    layer : int64 (n,), all 0
    unit : int64 (n,)
    direction : int8 (n,), +1 off to on, -1 on to off
    offsets : int64 (segments + 1,)
    ambiguous : bool (segments,)
        False: the crossings are those of exact arithmetic on the block's parameters, in the same
        order. True: those too, but two of them differ by less than float64 can tell, and stand at
        one t, in one knot.
    ambiguous_ranges : (int64 (r,), float64 (r,), float64 (r,))
        Segments and t-ranges, outside of which crossings and codes are exact.
    knots : float64 (k,), rising from 0 to 1 in each segment
    knot_offsets : int64 (segments + 1,)
    layers : tuple of one Layer

    """

    def __init__(self, block: MlpBlock, events: Events, first_codes: Matrix, library: str) -> None:
        self.layers = block.layers
        self._block, self._events, self._first_codes = block, events, first_codes
        self._library = library
        segments = len(first_codes)
        self._offsets = np.searchsorted(events.segment, np.arange(segments + 1))
        merged = events.next_to_same() & (events.t[1:] == events.t[:-1])
        fresh = np.concatenate([np.ones(min(len(events), 1), bool), ~merged])
        self._set_knots(fresh)
        self._set_ambiguous(merged & (events.number[1:] != events.number[:-1]))
        self.t = self._out(events.t)
        self.t_error = self._out(events.t_error)
        self.layer = self._out(np.zeros(len(events), np.int64))
        self.unit = self._out(events.unit)
        self.direction = self._out(events.direction)
        self.offsets = self._out(self._offsets)

    def _set_knots(self, fresh: Vector) -> None:
        """Put a knot at 0, at every t, and at 1."""
        events, segments = self._events, len(self)
        inner = np.bincount(events.segment[fresh], minlength=segments)
        self._knot_offsets = np.concatenate([[0], np.cumsum(inner + 2)])
        # A crossing's knot comes after the two ends of each earlier segment and the 0 of its own.
        self._knot = np.cumsum(fresh) + 2 * events.segment
        knots = np.zeros(self._knot_offsets[-1])
        knots[self._knot] = events.t
        knots[self._knot_offsets[1:] - 1] = 1
        self.knots, self.knot_offsets = self._out(knots), self._out(self._knot_offsets)

    def _set_ambiguous(self, close: Vector) -> None:
        """Mark the segments with crossings that differ, but not in float64."""
        events = self._events
        segment, t = events.segment[1:][close], events.t[1:][close]
        ambiguous = np.zeros(len(self), bool)
        ambiguous[segment] = True
        self.ambiguous = self._out(ambiguous)
        ranges = (segment, np.nextafter(t, 0), np.nextafter(t, 1))
        self.ambiguous_ranges = tuple(self._out(column) for column in ranges)

    def _out(self, values: Vector) -> Array:
        return from_numpy(values, self._library)

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self._first_codes)

    def count(self, *, per_layer: bool = False) -> Array:
        """Count the crossings of each segment: int64 (segments,), or (segments, 1)."""
        counts = np.diff(self._offsets)
        return self._out(counts[:, None] if per_layer else counts)

    def codes(self, segment: int | None = None) -> Codes:
        """Return the sign code on every piece (open interval between neighbouring knots).

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
            first, last = 0, len(self)
        elif -len(self) <= segment < len(self):
            first, last = segment % len(self), segment % len(self) + 1
        else:
            raise IndexError(f"segment {segment} of {len(self)}")
        return Codes(self._out(self._words(first, last)), self.layers)

    def _words(self, first: int, last: int) -> Matrix:
        """Flip the bits of crossings one after the other, from each segment's first code on."""
        starts = self._knot_offsets[first : last + 1] - np.arange(first, last + 1)
        starts = starts - starts[0]
        words = np.zeros((starts[-1], self._first_codes.shape[1]), np.uint64)
        words[starts[:-1]] = self._first_codes[first:last]
        mine = slice(self._offsets[first], self._offsets[last])
        unit = self._events.unit[mine]
        piece = self._knot[mine] - self._events.segment[mine] - self._knot_offsets[first] + first
        bit = np.uint64(1) << (unit % 64).astype(np.uint64)
        np.bitwise_xor.at(words, (piece, unit // 64), bit)
        flipped = np.bitwise_xor.accumulate(words, axis=0)
        carried = np.zeros((last - first, words.shape[1]), np.uint64)
        carried[1:] = flipped[starts[1:-1] - 1]  # what the segments before leave behind
        flipped ^= np.repeat(carried, np.diff(starts), axis=0)
        return flipped

    @property
    def values(self) -> NoReturn:
        """There are none. Raises AttributeError that says what to do."""
        raise AttributeError(
            "crossings of an MlpBlock have no values: its activation need not be linear between "
            "knots; evaluate the module at points, or the block for pre-activations"
        )

    def __repr__(self) -> str:
        kind = {"layer": "layer norm", "rms": "RMS norm", "none": "no norm"}[self._block.norm.kind]
        flagged = int(np.count_nonzero(np.asarray(self.ambiguous)))
        note = f", {flagged:,} ambiguous" if flagged else ""
        return (
            f"BlockCrossings({len(self._events):,} crossings of {len(self):,} segments with "
            f"{self._block.units:,} units of {self.layers[0].name!r}, exact through {kind}{note})"
        )

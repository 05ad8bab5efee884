"""Packed spline codes: one bit per unit, 64 units a word.

Bit j of a layer is bit ``j % 64`` of little-endian uint64 word ``j // 64``, which equals
``numpy.packbits(..., bitorder="little")``. Every layer starts on a word; pad bits are zero. A code
is the concatenation of its layers' words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _core
from .arithmetic import (
    as_signed,
    as_words,
    concatenate,
    namespace,
    places,
    rows_at,
    running_totals,
)
from .arrays import (
    Array,
    current_stream,
    device_of,
    dtype_name,
    empty,
    lent,
    library_of,
    need_same_place,
    on_cuda,
    on_device_of,
    to_host,
)
from .kernels import cuda, run, workspace
from .layer_names import matching
from .memory import need_room

WORD_BITS = 64


def words_for(bits: int) -> int:
    """Return how many uint64 words hold `bits` bits."""
    return -(-bits // WORD_BITS)


def pack(z: Array, threshold: float = 0.0, *, nan: str = "raise") -> Array:
    """Pack pre-activations into spline-code words: bit = ``z > threshold``, strictly.

    Parameters
    ----------
    z : array (..., n), float64, float32, float16, bfloat16 or bool
        numpy, torch or cupy, any strides; the last axis holds the units of one layer. float16 and
        bfloat16 are compared by their own bits. Booleans are bits already.
    threshold : float
        Rounded to z's dtype first, as numpy and torch do in ``z > threshold``. -0.0 equals 0.0.
    nan : "raise" or "inactive"
        What a NaN does: raise (the default) or give bit 0.

    Returns
    -------
    words : uint64 array (..., ceil(n / 64)) of z's library and device

    Raises
    ------
    TypeError : z is no array, or of another dtype.
    ValueError : z has no axis, requires grad, or holds a NaN; threshold is NaN.

    Notes
    -----
    O(size), bound by reading z once. On a GPU the work is queued on the current stream;
    ``nan="raise"`` waits for it to read one number back, ``nan="inactive"`` does not.

    """
    library_of(z, "z")
    if nan not in ("raise", "inactive"):
        raise ValueError(f"nan is {nan!r}; wanted 'raise' or 'inactive'")
    threshold = float(threshold)
    if math.isnan(threshold):
        raise ValueError("threshold is NaN; wanted a number")
    if dtype_name(z) == "bool" and threshold != 0:
        raise ValueError(f"threshold is {threshold} but z is bool, which is packed as it is")
    if z.ndim == 0:
        raise ValueError("z has no axes; wanted at least one, the units of a layer")
    words = empty(z, (*z.shape[:-1], words_for(z.shape[-1])), "uint64")
    if on_cuda(z):
        first_nan = _pack_cuda(z, words, threshold)
    else:
        first_nan = _core.pack(lent(z), lent(words), threshold)
    if nan == "raise" and int(first_nan) >= 0:
        place = tuple(int(i) for i in np.unravel_index(int(first_nan), tuple(z.shape)))
        raise ValueError(
            f"z holds a NaN, first at index {place}; pass nan='inactive' to pack NaN "
            "as inactive units"
        )
    return words


def _pack_cuda(z: Array, words: Array, threshold: float) -> Any:
    """Pack on the current stream. Returns a lazy device number: reading it is what waits."""
    first_nan = empty(z, (1,), "int64")
    none = np.iinfo(np.int64).max
    with on_device_of(z):
        first_nan[...] = none
        cuda().pack(z, words, threshold, first_nan, current_stream(z))
    return _LazyFirstNan(first_nan, none)


class _LazyFirstNan:
    """The flat index of the first NaN, or -1; converting it to int synchronises."""

    def __init__(self, first: Array, none: int) -> None:
        self._first, self._none = first, none

    def __int__(self) -> int:
        first = int(self._first[0])
        return -1 if first == self._none else first


def unpack(words: Array, n_bits: int) -> Array:
    """Unpack the words of one layer: the inverse of `pack`.

    Parameters
    ----------
    words : uint64 array (..., ceil(n_bits / 64))
    n_bits : int
        Units of the layer.

    Returns
    -------
    bits : bool array (..., n_bits) of the same library and device

    Raises
    ------
    TypeError : words is no uint64 array.
    ValueError : the last axis is not ceil(n_bits / 64) words.
    MemoryError : the bits, a byte each, are more than the memory available.

    """
    _need_words(words, "words")
    if n_bits < 0 or words.ndim == 0 or words.shape[-1] != words_for(n_bits):
        raise ValueError(
            f"words has shape {tuple(words.shape)}; wanted "
            f"(..., {words_for(max(n_bits, 0))}) words for n_bits = {n_bits}"
        )
    rows = math.prod(words.shape[:-1])
    need_room((rows, n_bits), 1, f"bits of {rows} codes, a byte each,", near=words)
    bits = empty(words, (rows, n_bits), "bool", "bits")
    flat = as_words(as_signed(words).reshape(rows, words.shape[-1]))
    run(_core.unpack, words, flat, bits)
    return bits.reshape(*words.shape[:-1], n_bits)


def _need_words(words: Array, name: str) -> None:
    library_of(words, name)
    if dtype_name(words) != "uint64":
        raise TypeError(f"{name} has dtype {dtype_name(words)}; wanted uint64 words from pack")


@dataclass(frozen=True)
class Layer:
    """A layer of a code: its name and its number of bits."""

    name: str
    bits: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or isinstance(self.bits, bool):
            raise TypeError(f"layer {self.name!r}: {self.bits!r}; wanted a name and a whole number")
        if self.bits < 0:
            raise ValueError(f"layer {self.name!r} has {self.bits} bits; wanted at least 0")

    @property
    def words(self) -> int:
        """Words that the layer takes in a code."""
        return words_for(self.bits)


class UniqueCodes(NamedTuple):
    """Distinct codes; ``codes[inverse]`` are the codes asked about, ``counts`` their numbers."""

    codes: Codes
    inverse: Array
    counts: Array


def layer_position(layers: Sequence[Layer], layer: str | int) -> int:
    """Return the number of a layer, given by name or position; KeyError, IndexError."""
    names = [other.name for other in layers]
    if isinstance(layer, str):
        if layer not in names:
            raise KeyError(f"no layer is named {layer!r}; there are {names}")
        return names.index(layer)
    if not -len(names) <= layer < len(names):
        raise IndexError(f"layer {layer} of {len(names)}")
    return layer % len(names)


class Codes:
    """Spline codes of a batch of inputs, layer by layer.

    Parameters
    ----------
    words : uint64 array (n, total words)
        numpy, torch or cupy; row i is the code of input i. Not copied.
    layers : mapping of name to bits, or sequence of `Layer`
        In the order of the words.

    Raises
    ------
    TypeError : words is no uint64 array.
    ValueError : words is not 2-d, its width is not that of the layers, a layer name stands twice,
        or a pad bit is set. On a GPU this check waits for one number.

    Indexing and iteration keep the type: ``codes[3]`` and the items of ``for code in codes`` are
    Codes of length 1, ``codes[mask]`` those of the chosen rows.

    """

    __hash__ = None  # type: ignore[assignment]  # equality is by content, and content can change

    def __init__(self, words: Array, layers: Mapping[str, int] | Sequence[Layer]) -> None:
        if isinstance(layers, Mapping):
            layers = [Layer(name, bits) for name, bits in layers.items()]
        self._init(words, tuple(layers))
        self._need_clean_pads()

    def _init(self, words: Array, layers: tuple[Layer, ...]) -> None:
        _need_words(words, "words")
        names = [layer.name for layer in layers]
        if len(set(names)) != len(names):
            raise ValueError(f"layers have a name twice: {names}")
        width = sum(layer.words for layer in layers)
        if words.ndim != 2 or words.shape[1] != width:
            raise ValueError(
                f"words has shape {tuple(words.shape)}; wanted (n, {width}), the words "
                f"of layers {_bits_text(layers)}"
            )
        self._words = words
        self._layers = layers

    @classmethod
    def _trusted(cls, words: Array, layers: tuple[Layer, ...]) -> Codes:
        """Skip the check of the pad bits, for words that came from Codes or pack."""
        codes = cls.__new__(cls)
        codes._init(words, layers)
        return codes

    @classmethod
    def from_words(cls, words: Array, n_bits: int, name: str = "layer") -> Codes:
        """Wrap the words of a single layer of `n_bits` units."""
        return cls(words, [Layer(name, n_bits)])

    @classmethod
    def concatenate(cls, parts: Iterable[Codes]) -> Codes:
        """Put codes of one layout below each other: rows of the first, then of the second, ...

        Raises ValueError for no parts, other layers, or another library or device.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("parts is empty; wanted at least one Codes")
        for part in parts[1:]:
            need_same_layers(parts[0], "parts[0]", part, "a later part")
            need_same_place(parts[0].words, "parts[0]", part.words, "a later part")
        return cls._trusted(concatenate([part.words for part in parts], axis=0), parts[0].layers)

    def _need_clean_pads(self) -> None:
        words, layers, flags, end = as_signed(lent(self._words)), [], [], 0
        for layer in self._layers:
            end += layer.words
            used = layer.bits % WORD_BITS
            if used:
                layers.append(layer)
                flags.append((words[:, end - 1] & (-1 << used)).any())
        dirty = to_host(namespace(words).stack(flags)) if flags else np.zeros(0, bool)
        if dirty.any():
            layer = layers[int(np.argmax(dirty))]
            raise ValueError(
                f"words has a bit set above the {layer.bits} units of layer "
                f"{layer.name!r}; pad bits must be zero"
            )

    @property
    def words(self) -> Array:
        """The packed words, uint64 (n, total words). Shared, not copied."""
        return self._words

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in the order of the words."""
        return self._layers

    @property
    def n_bits(self) -> int:
        """Units of all layers."""
        return sum(layer.bits for layer in self._layers)

    def word_range(self, layer: str | int) -> tuple[int, int]:
        """Return the first word of a layer and the one past its last."""
        position = self._position(layer)
        begin = sum(other.words for other in self._layers[:position])
        return begin, begin + self._layers[position].words

    def _position(self, layer: str | int) -> int:
        return layer_position(self._layers, layer)

    def layer(self, layer: str | int) -> Codes:
        """Return the codes of one layer, by name or position; its words are a view."""
        begin, end = self.word_range(layer)
        return Codes._trusted(self._words[:, begin:end], (self._layers[self._position(layer)],))

    def select(self, *patterns: str) -> Codes:
        """Return the codes of the layers whose names match any of the globs, in their order here.

        ``relu`` means every run of a module that runs several times, ``relu#2`` the second alone.

        Raises KeyError for a pattern that matches no layer.
        """
        names = [layer.name for layer in self._layers]
        places, idle = matching(names, patterns)
        if idle:
            raise KeyError(f"no layer matches {idle[0]!r}; there are {names}")
        chosen = [self._layers[i] for i in places]
        parts = [self._words[:, slice(*self.word_range(layer.name))] for layer in chosen]
        words = concatenate(parts, axis=1) if parts else self._words[:, :0]
        return Codes._trusted(words, tuple(chosen))

    def bits(self, layer: str | int | None = None) -> Array:
        """Return the bits as a bool array (n, bits): of one layer, or of all side by side."""
        if layer is not None:
            one = self.layer(layer)
            return unpack(one.words, one.n_bits)
        parts = [self.bits(i) for i in range(len(self._layers))]
        return concatenate(parts, axis=1) if parts else empty(self._words, (len(self), 0), "bool")

    def unique(self) -> UniqueCodes:
        """Return the distinct codes (distinct polytopes), with inverse and counts.

        The distinct codes stand in lexicographic order of their words; ``inverse`` is int64 (n,),
        ``counts`` int64 (distinct,). By hashing, O(n words), and sorting the distinct ones; the
        words are read in place, those of a layer too. On a GPU by sorting all of them, and the
        number of distinct codes is waited for.
        """
        _, codes, inverse, counts = self._distinct()
        return UniqueCodes(codes, inverse, counts)

    def _distinct(self) -> tuple[Array, Codes, Array, Array]:
        """Return the lowest row of each distinct code, and what `unique` returns."""
        if on_cuda(self._words):
            return self._distinct_on_gpu()
        rows = (len(self),)
        representative, inverse, counts = (empty(self._words, rows, "int64") for _ in range(3))
        distinct = _core.unique(self._words, representative, inverse, counts)
        first = representative[:distinct]
        return first, self[first], inverse, counts[:distinct]

    def _distinct_on_gpu(self) -> tuple[Array, Codes, Array, Array]:
        with on_device_of(self._words):
            return self._distinct_on_current_gpu()

    def _distinct_on_current_gpu(self) -> tuple[Array, Codes, Array, Array]:
        n = len(self)
        order = self.argsort()
        starts = empty(self._words, (n,), "bool")
        cuda().mark_distinct(self._words, order, starts, current_stream(self._words))
        inverse = empty(self._words, (n,), "int64")
        inverse[order] = running_totals(starts)[1:] - 1
        begins = places(starts)
        counts = empty(begins, tuple(begins.shape), "int64")
        counts[:-1] = begins[1:] - begins[:-1]
        counts[-1:] = n - begins[-1:]
        first = order[begins]
        return first, self[first], inverse, counts

    def argsort(self) -> Array:
        """Return the rows in the order that sorts them, int64 (n,).

        Lexicographic order of the words as unsigned integers, which puts equal codes together and
        is that of `unique`; stable. O(n log n) comparisons; on a GPU O(n log^2 n).
        """
        order = empty(self._words, (len(self),), "int64")
        if on_cuda(self._words):
            beside = workspace(order, cuda().argsort_workspace_bytes(len(self)))
            with on_device_of(order):
                cuda().argsort(self._words, order, beside, current_stream(order))
        else:
            _core.argsort(lent(self._words), lent(order))
        return order

    def sort(self) -> Codes:
        """Return the codes in the order of `argsort`."""
        return self[self.argsort()]

    def __len__(self) -> int:
        return int(self._words.shape[0])

    def __getitem__(self, index: Any) -> Codes:
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"code {index} of {len(self)}")
            start = int(index) % len(self)
            index = slice(start, start + 1)
        return Codes._trusted(rows_at(self._words, index), self._layers)

    def __iter__(self) -> Iterator[Codes]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Tell whether layers and all words are equal; codes of two devices are not."""
        if not isinstance(other, Codes):
            return NotImplemented
        if self._layers != other._layers or len(self) != len(other):
            return False
        a, b = self._words, other._words
        same_place = library_of(a, "self") == library_of(b, "other") and device_of(a) == device_of(
            b
        )
        return same_place and bool((as_signed(a) == as_signed(b)).all())

    def __getstate__(self) -> dict[str, Any]:
        return {"words": to_pickle(self._words), "layers": self._layers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._init(from_pickle(state["words"]), state["layers"])

    def __repr__(self) -> str:
        library = library_of(self._words, "words")
        return (
            f"Codes({len(self):,} codes of {self.n_bits:,} bits, layers "
            f"{_bits_text(self._layers)}, {library} on {device_of(self._words)})"
        )


def to_pickle(words: Array) -> Array:
    """Return words in a form that can be pickled: torch fails to load its uint64 tensors."""
    if library_of(words, "words") != "torch":
        return words
    return as_signed(words).contiguous()


def from_pickle(words: Array) -> Array:
    """Return words that `to_pickle` made."""
    if library_of(words, "words") != "torch":
        return words
    return as_words(words)


def need_same_layers(a: Codes, a_name: str, b: Codes, b_name: str) -> None:
    """Raise ValueError naming both unless the codes have the same layers."""
    if a.layers != b.layers:
        raise ValueError(
            f"{a_name} has layers {_bits_text(a.layers)} and {b_name} "
            f"{_bits_text(b.layers)}; wanted the same layers in both"
        )


def _bits_text(layers: Sequence[Layer]) -> str:
    shown = [f"{layer.name}: {layer.bits:,}" for layer in layers[:6]]
    return "{" + ", ".join(shown + (["..."] if len(layers) > len(shown) else [])) + "}"

"""Masks and weights: which units count in a distance, and how much the units of a layer do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, as_numpy, dtype_name, library_of
from .codes import WORD_BITS, Codes, need_same_layers, pack

Mask = Codes | Array
"""Units that count: a Codes of one code, its uint64 words (w,), or a bool a unit (n_bits,)."""

Weights = Mapping[str, float] | Sequence[float]
"""How much a unit of each layer counts: a number a layer, by name or in order."""


def mask_words(mask: Mask, codes: Codes | Array, name: str = "mask") -> NDArray[np.uint64]:
    """Return the words (w,) of a mask over the units of `codes` (Codes, or words (n, w)).

    Raises TypeError for another kind of mask, or booleans for codes that do not know their units;
    ValueError for another layout or length.
    """
    width = int((codes.words if isinstance(codes, Codes) else codes).shape[1])
    if isinstance(mask, Codes):
        if isinstance(codes, Codes):
            need_same_layers(mask, name, codes, "the codes")
        words = as_numpy(mask.words, name)
    else:
        library_of(mask, name)
        dtype = dtype_name(mask)
        if dtype not in ("bool", "uint64"):
            raise TypeError(
                f"{name} has dtype {dtype}; wanted Codes, uint64 words or a bool a unit"
            )
        words = as_numpy(mask, name)
        if dtype == "bool":
            words = _packed(words, codes, name)
    if words.ndim == 2 and words.shape[0] == 1:
        words = words[0]
    if words.shape != (width,):
        raise ValueError(
            f"{name} has words of shape {words.shape}; wanted one code of {width} words"
        )
    return np.ascontiguousarray(words)


def _packed(bits: NDArray[np.bool_], codes: Codes | Array, name: str) -> NDArray[np.uint64]:
    if not isinstance(codes, Codes):
        raise TypeError(
            f"{name} is a bool a unit, which needs Codes, which know their units; "
            "for plain words pass uint64 words"
        )
    if bits.shape != (codes.n_bits,):
        raise ValueError(
            f"{name} has shape {bits.shape}; wanted ({codes.n_bits},), a bool a unit of all layers"
        )
    ends = np.cumsum([layer.bits for layer in codes.layers])
    parts = [pack(part) for part in np.split(bits, ends)[:-1]]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def layer_weights(weights: Weights, codes: Codes) -> NDArray[np.float64]:
    """Return a weight for every layer of `codes`, float64 (layers,).

    Raises ValueError unless there is a finite number of at least 0 for every layer, and no other.
    """
    names = [layer.name for layer in codes.layers]
    if isinstance(weights, Mapping):
        if set(weights) != set(names):
            raise ValueError(
                f"weights names {sorted(weights)}; wanted a weight for each of {names}"
            )
        weights = [weights[name] for name in names]
    values = np.asarray(_on_host(weights), dtype=np.float64)
    if values.shape != (len(names),):
        raise ValueError(
            f"weights has shape {values.shape}; wanted ({len(names)},), a number a layer"
        )
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"weights is {values.tolist()}; wanted finite numbers of at least 0")
    return values


def _on_host(weights: Any) -> Any:
    is_sequence = isinstance(weights, Sequence)
    return weights if is_sequence else as_numpy(weights, "weights")


def layer_ranges(codes: Codes | Array, name: str, what: str) -> list[tuple[int, int]]:
    """Return the words [begin, end) of every layer.

    Raises TypeError, saying that `what` needs them, for plain words.
    """
    if not isinstance(codes, Codes):
        raise TypeError(f"{what} needs Codes, which know their layers; {name} is plain words")
    ends = np.cumsum([layer.words for layer in codes.layers]).tolist()
    return [(end - layer.words, end) for end, layer in zip(ends, codes.layers, strict=True)]


def bits_of_layers(codes: Codes | Array) -> list[int]:
    """Return the units of every layer; plain words are one layer without pad bits."""
    if isinstance(codes, Codes):
        return [layer.bits for layer in codes.layers]
    return [WORD_BITS * int(codes.shape[1])]

"""Masks and weights: which units count in a distance, and how much the units of a layer do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import concatenate, contiguous
from .arrays import (
    Array,
    as_numpy,
    dtype_name,
    empty,
    library_of,
    need_same_place,
    on_cuda,
    to_host,
    uploaded,
)
from .codes import WORD_BITS, Codes, need_same_layers, pack

Mask = Codes | Array
"""Units that count: a Codes of one code, its uint64 words (w,), or a bool a unit (n_bits,)."""

Weights = Mapping[str, float] | Sequence[float]
"""How much a unit of each layer counts: a number a layer, by name or in order."""


def mask_words(mask: Mask, codes: Codes | Array, name: str = "mask") -> Array:
    """Return the words (w,) of a mask over the units of `codes` (Codes, or words (n, w)).

    They lie where the codes do; on the CPU they are numpy's. A mask on the CPU is copied to the
    GPU of its codes.

    Raises TypeError for another kind of mask, or booleans for codes that do not know their units;
    ValueError for another layout, length or GPU.
    """
    near = codes.words if isinstance(codes, Codes) else codes
    width = int(near.shape[1])
    if isinstance(mask, Codes):
        if isinstance(codes, Codes):
            need_same_layers(mask, name, codes, "the codes")
        words = _beside(mask.words, name, near)
    else:
        library_of(mask, name)
        dtype = dtype_name(mask)
        if dtype not in ("bool", "uint64"):
            raise TypeError(
                f"{name} has dtype {dtype}; wanted Codes, uint64 words or a bool a unit"
            )
        words = _beside(mask, name, near)
        if dtype == "bool":
            words = _packed(words, codes, name)
    if words.ndim == 2 and words.shape[0] == 1:
        words = words[0]
    if tuple(words.shape) != (width,):
        raise ValueError(
            f"{name} has words of shape {tuple(words.shape)}; wanted one code of {width} words"
        )
    return contiguous(words)


def _beside(mask: Array, name: str, near: Array) -> Array:
    """Return a mask where the codes are."""
    if not on_cuda(mask):
        return uploaded(as_numpy(mask, name), near)
    need_same_place(mask, name, near, "the codes")
    return mask


def _packed(bits: Array, codes: Codes | Array, name: str) -> Array:
    if not isinstance(codes, Codes):
        raise TypeError(
            f"{name} is a bool a unit, which needs Codes, which know their units; "
            "for plain words pass uint64 words"
        )
    if tuple(bits.shape) != (codes.n_bits,):
        raise ValueError(
            f"{name} has shape {tuple(bits.shape)}; wanted ({codes.n_bits},), a bool a unit of all "
            "layers"
        )
    parts, end = [], 0
    for layer in codes.layers:
        end += layer.bits
        parts.append(pack(bits[end - layer.bits : end], nan="inactive"))
    return concatenate(parts, axis=0) if parts else empty(bits, (0,), "uint64")


def layer_weights(weights: Weights, codes: Codes) -> NDArray[np.float64]:
    """Return a weight for every layer of `codes`, float64 (layers,).

    Weights on a GPU are read back.

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
    if isinstance(weights, Sequence):
        return weights
    library_of(weights, "weights")
    return to_host(weights)


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

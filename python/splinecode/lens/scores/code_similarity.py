"""How alike two sets of codes of the same inputs are: two checkpoints, or layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import need_same_place, to_host
from ...codes import Codes, Layer
from ...hamming import hamming, hamming_matrix
from ...memory import need_room
from ...similarity import jaccard_similarity
from ...tables import Table
from ..coded import layers_of, need_codes, need_some_codes

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CodeSimilarity(Analysis):
    """What `code_similarity` found; drawn by `splinecode.plots.code_similarity`.

    Attributes
    ----------
    layers_a, layers_b : tuple of str
    agreement, jaccard : float64 (layers,), or None where a and b have other layers
        Mean over inputs of the share of units in the same state, and of shared active units over
        units that either has active.
    alignment : float64 (layers of a, layers of b)
        Alignment of the layers' kernels, from 0 to 1; NaN for a layer with one code for all.
    work : "inputs", "paired distances", "distances of the kernels"

    """

    layers_a: tuple[str, ...]
    layers_b: tuple[str, ...]
    agreement: Values | None
    jaccard: Values | None
    alignment: Values
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return unit by unit similarities, if there are any, and the alignment of all layers."""
        rows = [
            (name, *(_number(value) for value in values))
            for name, values in zip(self.layers_a, self.alignment, strict=True)
        ]
        alignment = Table(
            "alignment of kernels: layers of a by layers of b", ("", *self.layers_b), rows
        )
        if self.agreement is None or self.jaccard is None:
            return [alignment]
        paired = zip(self.layers_a, self.agreement, self.jaccard, strict=True)
        units = [(name, _number(agree), _number(shared)) for name, agree, shared in paired]
        header = ("layer", "units that agree", "Jaccard of active units")
        return [Table("similarity unit by unit, mean over inputs", header, units), alignment]


def code_similarity(codes_a: Codes, codes_b: Codes | None = None) -> CodeSimilarity:
    """Compare codes of the same inputs: of two checkpoints, two networks, or layer with layer.

    Parameters
    ----------
    codes_a, codes_b : Codes of the same n inputs, of one library and device
        With the same layers (two checkpoints), units are compared one by one; with any layers,
        kernels are. None: the layers of `codes_a` with each other.

    Returns
    -------
    CodeSimilarity

    Raises
    ------
    TypeError : not Codes.
    ValueError : no codes, another number of them, or another library or device.
    MemoryError : kernels of so many inputs do not fit: give fewer.

    Notes
    -----
    A layer's kernel is the number of units that two inputs have in the same state, as in `naswot`;
    the alignment of two layers is ``<C K_a C, C K_b C> / (|C K_a C| |C K_b C|)`` with C the
    centring matrix: the linear CKA of codes in {-1, 1}. It does not see the order or number of
    units, so it compares layers of any width. It depends on the number of inputs: compare values
    over the same ones.
    O(n^2 (words + layers^2)) for the kernels, one float64 (n, n) a layer.

    """
    need_codes(codes_a, "codes_a")
    other = codes_a if codes_b is None else codes_b
    need_codes(other, "codes_b")
    need_some_codes(codes_a, "codes_a")
    need_some_codes(other, "codes_b")
    need_same_place(codes_a.words, "codes_a", other.words, "codes_b")
    if len(codes_a) != len(other):
        raise ValueError(
            f"codes_a has {len(codes_a)} codes and codes_b {len(other)}; wanted those of the same "
            "inputs"
        )
    n = len(codes_a)
    alike = codes_b is not None and codes_a.layers == other.layers
    agreement, jaccard = _by_unit(codes_a, other) if alike else (None, None)
    layers = len(codes_a.layers) + (0 if codes_b is None else len(other.layers))
    need_room((n, n), 8 * (layers + 2), f"kernels of {n} codes for each of {layers} layers")
    a = _kernels(codes_a)
    b = a if codes_b is None else _kernels(other)
    return CodeSimilarity(
        _names(codes_a.layers),
        _names(other.layers),
        agreement,
        jaccard,
        np.array([[float(np.vdot(x, y)) for y in b] for x in a]),
        {
            "inputs": n,
            "paired distances": n * len(codes_a.layers) if alike else 0,
            "distances of the kernels": layers * n * (n - 1) // 2,
        },
    )


def _by_unit(a: Codes, b: Codes) -> tuple[Values, Values]:
    bits = np.array([layer.bits for layer in a.layers], float)
    differing = to_host(hamming(a, b, per_layer=True)).mean(axis=0)
    with np.errstate(invalid="ignore"):
        agreement = 1 - differing / bits
    paired = zip(layers_of(a), layers_of(b), strict=True)
    jaccard = [float(to_host(jaccard_similarity(x, y)).mean()) for (_, x), (_, y) in paired]
    return agreement, np.array(jaccard)


def _kernels(codes: Codes) -> list[Values]:
    """Return every layer's centred kernel, of norm 1; NaN where it is 0."""
    return [_unit_kernel(part) for _, part in layers_of(codes)]


def _unit_kernel(codes: Codes) -> Values:
    kernel = -to_host(hamming_matrix(codes)).astype(np.float64)
    means = kernel.mean(axis=0)
    kernel -= means
    kernel -= (means - means.mean())[:, None]
    if not to_host(codes.words != codes.words[:1]).any():
        kernel[...] = np.nan
        return kernel
    kernel /= np.linalg.norm(kernel)
    return kernel


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _names(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    return tuple(layer.name for layer in layers)

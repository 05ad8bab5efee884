"""Boundaries between the two inputs of many pairs: those that ends show, and every one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...arrays import to_host, uploaded
from ...codes import Codes
from ...hamming import hamming
from ...network import Network
from ...progress import progress_bar
from ...segments import crossings
from .pairs import Indices

_GATHER_BYTES = 8 << 20
"""Of codes that are gathered on each side at once: enough for the threads of a call."""

Counts = np.ndarray[Any, np.dtype[np.int64]]


class PairCounts(NamedTuple):
    """Boundaries between the inputs of pairs, int64 (pairs, layers).

    endpoint : bits that differ at the two ends
    exact : crossings of the segment between them, or None
    ambiguous : segments that are marked so, see `Crossings.ambiguous`
    """

    endpoint: Counts
    exact: Counts | None = None
    ambiguous: int = 0

    @property
    def crossings(self) -> int:
        """All crossings."""
        return 0 if self.exact is None else int(self.exact.sum())

    def of_layers(self, chosen: list[int]) -> PairCounts:
        """Return the counts of some layers."""
        exact = None if self.exact is None else self.exact[:, chosen]
        return self._replace(endpoint=self.endpoint[:, chosen], exact=exact)


def endpoint_counts(codes: Codes, pairs: Indices) -> PairCounts:
    """Count the bits that differ between codes i and j of each pair, layer by layer.

    O(pairs * words); rows are gathered 8 MiB at a time.
    """
    counts = np.empty((len(pairs), len(codes.layers)), np.int64)
    step = max(1, _GATHER_BYTES // max(8 * int(codes.words.shape[1]), 1))
    for start in range(0, len(pairs), step):
        some = uploaded(np.ascontiguousarray(pairs[start : start + step].T), codes.words)
        found = hamming(codes[some[0]], codes[some[1]], per_layer=True)
        counts[start : start + step] = to_host(found)
    return PairCounts(counts)


def exact_counts(
    network: Network, inputs: Tensor, pairs: Indices, batch_size: int, progress: bool
) -> PairCounts:
    """Count the crossings between inputs i and j of each pair, layer by layer.

    The codes at the ends are those of the first and the last piece of the segment: where an input
    lies exactly on a boundary, as blank pixels that tie in a pooling window, those beside it. So no
    end sees a boundary that is not crossed. Results of `batch_size` segments are in memory.
    """
    endpoint = np.empty((len(pairs), len(network.layers)), np.int64)
    exact, ambiguous = np.empty_like(endpoint), 0
    with progress_bar(len(pairs), "segments", progress) as advance:
        for start in range(0, len(pairs), batch_size):
            part = slice(start, start + batch_size)
            a, b = (inputs[torch.from_numpy(end).to(inputs.device)] for end in pairs[part].T)
            found = crossings(network, a, b)
            ends = (Codes._trusted(words, found.layers) for words in found.end_words())
            endpoint[part] = to_host(hamming(*ends, per_layer=True))
            exact[part] = to_host(found.count(per_layer=True))
            ambiguous += int(found.ambiguous.sum())
            advance(len(a))
    return PairCounts(endpoint, exact, ambiguous)

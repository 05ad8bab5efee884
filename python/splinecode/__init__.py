"""Spline codes, Hamming neighbours and exact boundary crossings of piecewise-linear networks.

Importing this package imports numpy alone; `spline_codes`, `read_network` and `crossings` load
torch on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import sets
from ._core import __version__
from .banks import BankMatches, nearest_in_bank
from .clustering import Clustering, SpanningTree, hamming_mst, hdbscan
from .codes import Codes, Layer, UniqueCodes, pack, unpack
from .groups import flipped_all, flipped_any
from .hamming import hamming, hamming_matrix
from .lazy import loading
from .merging import merge_topk
from .neighbors import HammingNeighbors
from .paths import consecutive_hamming, hamming_from_start, space_folding
from .runtime import cuda_route, get_threads, info, simd, threads
from .similarity import (
    active_counts,
    intersection_counts,
    intersection_counts_matrix,
    jaccard_similarity,
    jaccard_similarity_matrix,
)
from .soft import expected_hamming, expected_hamming_matrix
from .store import CodeStore
from .units import cofiring, firing_counts, firing_rates

if TYPE_CHECKING:
    from .blocks import BlockCrossings, MlpBlock, Norm, block_crossings, read_block
    from .capture import Captured, capture_codes, spline_codes
    from .network import Network
    from .polytopes import (
        affine_map,
        boundary_along,
        half_spaces,
        nearest_boundary,
        next_polytope,
    )
    from .reading import UnsupportedNetworkError, read_network
    from .segments import (
        Crossings,
        PathCrossings,
        crossings,
        iter_crossings,
        polyline_crossings,
    )
    from .slices import SampledSlice2D, Slice2D, sampled_slice_2d, slice_2d

__getattr__ = loading(
    __name__,
    {
        "Captured": "capture",
        "capture_codes": "capture",
        "spline_codes": "capture",
        "Network": "network",
        "UnsupportedNetworkError": "reading",
        "BlockCrossings": "blocks",
        "MlpBlock": "blocks",
        "Norm": "blocks",
        "block_crossings": "blocks",
        "read_block": "blocks",
        "affine_map": "polytopes",
        "boundary_along": "polytopes",
        "half_spaces": "polytopes",
        "nearest_boundary": "polytopes",
        "next_polytope": "polytopes",
        "read_network": "reading",
        "Crossings": "segments",
        "crossings": "segments",
        "iter_crossings": "segments",
        "PathCrossings": "segments",
        "polyline_crossings": "segments",
        "SampledSlice2D": "slices",
        "Slice2D": "slices",
        "sampled_slice_2d": "slices",
        "slice_2d": "slices",
    },
)

__all__ = [
    "BankMatches",
    "BlockCrossings",
    "Captured",
    "Clustering",
    "CodeStore",
    "Codes",
    "Crossings",
    "HammingNeighbors",
    "Layer",
    "MlpBlock",
    "Network",
    "Norm",
    "PathCrossings",
    "SampledSlice2D",
    "Slice2D",
    "SpanningTree",
    "UniqueCodes",
    "UnsupportedNetworkError",
    "__version__",
    "active_counts",
    "affine_map",
    "block_crossings",
    "boundary_along",
    "capture_codes",
    "cofiring",
    "consecutive_hamming",
    "crossings",
    "cuda_route",
    "expected_hamming",
    "expected_hamming_matrix",
    "firing_counts",
    "firing_rates",
    "flipped_all",
    "flipped_any",
    "get_threads",
    "half_spaces",
    "hamming",
    "hamming_from_start",
    "hamming_matrix",
    "hamming_mst",
    "hdbscan",
    "info",
    "intersection_counts",
    "intersection_counts_matrix",
    "iter_crossings",
    "jaccard_similarity",
    "jaccard_similarity_matrix",
    "merge_topk",
    "nearest_boundary",
    "nearest_in_bank",
    "next_polytope",
    "pack",
    "polyline_crossings",
    "read_block",
    "read_network",
    "sampled_slice_2d",
    "sets",
    "simd",
    "slice_2d",
    "space_folding",
    "spline_codes",
    "threads",
    "unpack",
]


def __dir__() -> list[str]:
    return __all__

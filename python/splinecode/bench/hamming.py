"""Exact Hamming search and distances, beside faiss, usearch, NumKong and torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import HammingNeighbors, hamming_matrix, reference, unpack
from ..arrays import as_numpy
from . import peers
from .case import Baseline, Case, DisagreementError, Floor, Rate
from .timing import Call
from .trained import NETS, digit_codes

GROUP = "hamming"
_MOST_PRODUCT_BYTES = 300e6
"""The product of +-1 holds a byte a bit and more: wider databases take it a minute and memory."""
_MOST_MATRIX_BYTES = 600e6

Lists = tuple[Tensor, Tensor, Tensor]
"""Neighbours within a radius: their number per query, then distances and indices of all."""


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [
            partial(_knn, queries=20, codes=300, bits=128, k=5),
            partial(_knn_in_memory, codes=300, bits=128),
            partial(_matrix, codes=60, bits=128),
            partial(_radius_lists, queries=20, codes=300, bits=128),
            partial(_radius_counts, queries=20, codes=300, bits=128),
            partial(_radius_near, queries=20, codes=300, bits=512),
            partial(_pruned_coins, queries=20, codes=300, bits=128),
            *(partial(_trained, net, rows=200, queries=20, width=32) for net in NETS),
            partial(_trained_graph, NETS[0], rows=200, width=32),
        ]
    return [
        *(
            partial(_knn, queries=1_000, codes=codes, bits=bits, k=10)
            for bits, codes in ((256, 100_000), (1_024, 100_000), (4_096, 100_000), (36_864, 5_000))
        ),
        *(partial(_knn, queries=1_000, codes=100_000, bits=bits, k=100) for bits in (256, 1_024)),
        *(partial(_knn, queries=few, codes=100_000, bits=1_024, k=10) for few in (8, 64)),
        partial(_knn_in_memory, codes=1_000_000, bits=1_024),
        *(partial(_matrix, codes=4_096, bits=bits) for bits in (1_024, 36_864)),
        partial(_radius_lists, queries=1_000, codes=100_000, bits=1_024),
        partial(_radius_counts, queries=1_000, codes=100_000, bits=1_024),
        partial(_radius_near, queries=1_000, codes=100_000, bits=1_024),
        partial(_pruned_coins, queries=1_000, codes=100_000, bits=1_024),
        *(partial(_trained, net, rows=30_000, queries=1_000, width=512) for net in NETS),
        *(partial(_trained_graph, net, rows=30_000, width=512) for net in NETS),
    ]


# --- cases ------------------------------------------------------------------------------------


def _knn(queries: int, codes: int, bits: int, k: int) -> Case:
    x, y = _coins(queries, bits, seed=0), _coins(codes, bits, seed=1)
    return _knn_case(f"{k} nearest of {codes:,}", x, y, k)


def _knn_in_memory(codes: int, bits: int) -> Case:
    """One query, and a database that no cache holds: reading it once is all there is to do."""
    x, y = _coins(1, bits, seed=0), _coins(codes, bits, seed=1)
    floor = Floor("reading the database (torch.sum)", lambda: y.view(torch.float32).sum())
    return _knn_case(f"10 nearest of {codes:,}, from memory", x, y, 10, floor)


def _pruned_coins(queries: int, codes: int, bits: int) -> Case:
    """Codes that cannot be pruned: what trying it costs, the sample and the choice included."""
    x, y = _coins(queries, bits, seed=0), _coins(codes, bits, seed=1)
    brute = _brute(x, y, 10)
    baselines = (("ours, brute force", brute, _need_equal),)
    return _case(
        f"10 nearest of {codes:,}, chosen anew",
        x,
        y,
        lambda: HammingNeighbors(10).fit(y).kneighbors(x),
        baselines,
        {"k": 10},
    )


def _trained(net: str, rows: int, queries: int, width: int) -> Case:
    """Look for some of the codes among the others, the index made before."""
    words = digit_codes(net, rows, width)
    x, y = words[-queries:], words[:-queries]
    return _knn_case(
        f"10 nearest of {len(y):,} codes of a trained digits {net}", x, y, 10, pruned=True
    )


def _trained_graph(net: str, rows: int, width: int) -> Case:
    """The neighbours of every code, as graphs and clusterings want them, from scratch."""
    y = digit_codes(net, rows, width)
    brute = HammingNeighbors(10, algorithm="brute").fit(y)
    baselines = (
        ("ours, brute force", brute.kneighbors, _need_equal),
        (
            "faiss IndexBinaryFlat, self included",
            peers.faiss_knn(y, y, 11),
            _need_same_without_self,
        ),
    )
    return _case(
        f"10 nearest of each of {rows:,} codes of a trained digits {net}, index made",
        y,
        y,
        lambda: HammingNeighbors(10).fit(y).kneighbors(),
        baselines,
        {"k": 10},
    )


def _knn_case(
    what: str, x: Tensor, y: Tensor, k: int, floor: Floor | None = None, pruned: bool = False
) -> Case:
    index = HammingNeighbors(k, algorithm="pruned" if pruned else "brute").fit(y)
    same = partial(_need_same_neighbors, x, y)
    matrix_fits = 4 * len(x) * len(y) <= _MOST_MATRIX_BYTES
    product_fits = 64 * y.numel() <= _MOST_PRODUCT_BYTES
    matrix = peers.numkong_matrix(x, y) if matrix_fits else None
    product = _torch_knn(x, y, k) if product_fits else None
    baselines = (
        ("faiss IndexBinaryFlat", peers.faiss_knn(x, y, k), same),
        ("usearch, exact", peers.usearch_knn(x, y, k), same),
        ("NumKong, the matrix alone", matrix, _need_least_of_rows),
        ("torch, +-1 matrix product and topk", product, same),
        ("ours, brute force", _brute(x, y, k) if pruned else None, _need_equal),
    )
    return _case(what, x, y, lambda: index.kneighbors(x), baselines, {"k": k}, floor)


def _brute(x: Tensor, y: Tensor, k: int) -> Call:
    return partial(HammingNeighbors(k, algorithm="brute").fit(y).kneighbors, x)


def _matrix(codes: int, bits: int) -> Case:
    x = _coins(codes, bits, seed=0)
    baselines = (
        ("NumKong, upper triangle", peers.numkong_symmetric(x), _need_same_triangle),
        ("torch, +-1 matrix product", _torch_matrix(x), _need_same_triangle),
    )
    dtype = "uint16" if bits < 2**16 else "int32"
    ours = partial(hamming_matrix, x, dtype=dtype)
    return _case(f"all distances, {dtype}", x, x, ours, baselines, {})


def _radius_lists(queries: int, codes: int, bits: int) -> Case:
    """Some 100 neighbours a query among coins, where no bound spares a comparison."""
    x, y = _coins(queries, bits, seed=0), _coins(codes, bits, seed=1)
    near = 100 if codes > 10_000 else 10
    radius = int(torch.kthvalue(hamming_matrix(x[:8], y), near, dim=1).values.median())
    return _radius_case(f"all within {radius} of {codes:,}", x, y, radius)


def _radius_counts(queries: int, codes: int, bits: int) -> Case:
    """How many codes are nearer than the mean distance less three deviations."""
    x, y = _coins(queries, bits, seed=0), _coins(codes, bits, seed=1)
    radius = int(bits / 2 - 1.5 * bits**0.5)
    index = HammingNeighbors(radius=radius, algorithm="brute").fit(y)
    baselines = (
        ("faiss range_search", peers.faiss_radius(x, y, radius), _need_same_counts),
        ("torch, +-1 matrix product", _torch_counts(x, y, radius), _need_equal_counts),
    )
    what = f"number within {radius} of {codes:,}"
    return _case(what, x, y, lambda: index.radius_counts(x), baselines, {"radius": radius})


def _radius_near(queries: int, codes: int, bits: int) -> Case:
    """A radius of 6% of the bits, and queries that are codes of the database with 3% flipped."""
    y = _coins(codes, bits, seed=1)
    random = np.random.default_rng(2)
    flipped = np.packbits(random.random((queries, bits)) < 0.03, axis=1, bitorder="little")
    x = torch.from_numpy(as_numpy(y[:queries], "y") ^ flipped.view(np.uint64))
    radius = 6 * bits // 100
    return _radius_case(f"all within {radius} of {codes:,}, 6% of the bits", x, y, radius)


def _radius_case(what: str, x: Tensor, y: Tensor, radius: int) -> Case:
    index = HammingNeighbors().fit(y)
    baselines = (
        ("faiss range_search", peers.faiss_radius(x, y, radius), _need_same_lists),
        ("torch, +-1 matrix product", _torch_radius(x, y, radius), _need_same_lists),
    )
    ours = partial(index.radius_neighbors, x, radius)
    return _case(what, x, y, ours, baselines, {"radius": radius})


Contender = tuple[str, Call | None, Callable[[Any, Any], str]]


def _case(
    what: str,
    x: Tensor,
    y: Tensor,
    ours: Call,
    baselines: tuple[Contender, ...],
    sizes: dict[str, int | str],
    floor: Floor | None = None,
) -> Case:
    """Make a case of the baselines whose libraries are installed."""
    bits = 64 * y.shape[1]
    there = [Baseline(label, call, same) for label, call, same in baselines if call]
    return Case(
        group=GROUP,
        title=f"{what}, {len(x):,} x {bits:,} bits",
        sizes={"queries": len(x), "codes": len(y), "bits": bits, **sizes},
        ours=ours,
        baselines=tuple(there),
        rate=Rate(len(x) * len(y) * bits / 8 / 1e9, "GB/s of codes"),
        floor=floor,
    )


# --- data and torch ---------------------------------------------------------------------------


def _coins(n: int, bits: int, seed: int) -> Tensor:
    """Words of fair coins: no structure that a search could exploit, the hardest for ours."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(2**64, size=(n, bits // 64), dtype=np.uint64))


def _bits(words: Tensor) -> Tensor:
    bits: Tensor = unpack(words, 64 * words.shape[-1])
    return bits


def _torch_knn(x: Tensor, y: Tensor, k: int) -> Call:
    x_bits, y_bits = _bits(x), _bits(y)
    return lambda: reference.pm1_topk(x_bits, y_bits, k)


def _torch_matrix(x: Tensor) -> Call:
    signs = _bits(x).float().mul_(2).sub_(1)
    return lambda: _pm1_distances(signs, signs)


def _torch_radius(x: Tensor, y: Tensor, radius: int) -> Call:
    x_signs, y_signs = (_bits(words).float().mul_(2).sub_(1) for words in (x, y))

    def search() -> Lists:
        distances = _pm1_distances(x_signs, y_signs)
        near = distances <= radius
        return near.sum(1), distances[near], near.nonzero()[:, 1]

    return search


def _torch_counts(x: Tensor, y: Tensor, radius: int) -> Call:
    x_signs, y_signs = (_bits(words).float().mul_(2).sub_(1) for words in (x, y))
    return lambda: (_pm1_distances(x_signs, y_signs) <= radius).sum(1)


def _pm1_distances(x: Tensor, y: Tensor) -> Tensor:
    """Of two codes of -1 and +1 the scalar product is bits - 2 * distance."""
    return (x @ y.T).sub_(x.shape[1]).mul_(-0.5).to(torch.int32)


# --- answers ----------------------------------------------------------------------------------


def _need_same_neighbors(x: Tensor, y: Tensor, ours: Any, theirs: Any) -> str:
    """Distances must be equal; which of several rows at one distance is found may differ."""
    theirs = peers.found(*theirs)
    if not torch.equal(ours[0], theirs[0]):
        raise DisagreementError("distances differ")
    for who, (distances, indices) in {"ours": ours, "theirs": theirs}.items():
        for query, row, wanted in zip(x, indices, distances, strict=True):
            if not torch.equal(reference.paired(_bits(query), _bits(y[row])), wanted):
                raise DisagreementError(f"{who}: indices are not at the distances given")
        if bool((indices.sort(dim=1).values.diff(dim=1) == 0).any()):
            raise DisagreementError(f"{who}: a neighbour stands twice")
    return ""


def _need_equal(ours: Any, theirs: Any) -> str:
    if not all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)):
        raise DisagreementError("answers differ")
    return ""


def _need_same_without_self(ours: tuple[Tensor, Tensor], theirs: Any) -> str:
    """Hold the distances to those of a search that found each code itself too, at 0."""
    distances = peers.found(*theirs)[0]
    if bool(distances[:, 0].any()) or not torch.equal(ours[0], distances[:, 1:]):
        raise DisagreementError("distances differ")
    return ""


def _need_same_counts(ours: Tensor, theirs: Any) -> str:
    if not np.array_equal(ours, np.diff(np.asarray(theirs[0]).astype(np.int64))):
        raise DisagreementError("numbers of neighbours differ")
    return f"{int(ours.sum()):,} found"


def _need_equal_counts(ours: Tensor, theirs: Tensor) -> str:
    if not torch.equal(ours, theirs):
        raise DisagreementError("numbers of neighbours differ")
    return ""


def _need_least_of_rows(ours: tuple[Tensor, Tensor], matrix: Any) -> str:
    k = ours[0].shape[1]
    for wanted, row in zip(ours[0].numpy(), matrix, strict=True):
        if not np.array_equal(wanted, np.sort(np.partition(row, k - 1)[:k])):
            raise DisagreementError("distances differ")
    return "does not select"


def _need_same_triangle(ours: Tensor, theirs: Any) -> str:
    for i, (row, other) in enumerate(zip(ours.numpy(), np.asarray(theirs), strict=True)):
        if not np.array_equal(row[i:], other[i:]):
            raise DisagreementError(f"distances of row {i} differ")
    return ""


def _need_same_lists(ours: tuple[Any, Any], theirs: tuple[Any, Any, Any]) -> str:
    """Hold both to the same rows at the same distances; in a list, the order is the peer's."""
    counts, rows = _sorted_lists([len(row) for row in ours[1]], *map(np.concatenate, ours))
    first, distances, indices = (np.asarray(part) for part in theirs)
    if len(first) == len(counts) + 1:  # faiss gives offsets
        first = np.diff(first.astype(np.int64))
    other_counts, other_rows = _sorted_lists(first, distances, indices)
    if not np.array_equal(counts, other_counts):
        raise DisagreementError("numbers of neighbours differ")
    if not np.array_equal(rows, other_rows):
        raise DisagreementError("neighbours or distances differ")
    return f"{len(rows):,} found"


def _sorted_lists(counts: Any, distances: Any, indices: Any) -> tuple[Any, Any]:
    """Return the counts, and rows (query, index, distance) in order."""
    query = np.repeat(np.arange(len(counts)), counts)
    rows = np.stack([query, np.asarray(indices), np.asarray(distances)], axis=1).astype(np.int64)
    return np.asarray(counts), rows[np.lexsort(rows.T[::-1])]

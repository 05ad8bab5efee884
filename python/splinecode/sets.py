"""Sets of codes: which polytopes two batches share, over packed words.

Two codes are the same polytope when all their words are equal. Distinct codes always come in
lexicographic order of their words, as from `Codes.unique`, and a row index is that of the lowest
row that holds a code. Everything is found by hashing, O((n + m) words); on a GPU by sorting, and
where a result's size depends on the codes, it is waited for.

Every function takes two `Codes` of one layout, library and device, and raises TypeError for
anything else than Codes, ValueError for another layout, library or device.
"""

from __future__ import annotations

from typing import NamedTuple

from . import _core
from .arithmetic import places
from .arrays import Array, current_stream, empty, lent, need_same_place, on_cuda, on_device_of
from .codes import Codes, need_same_layers
from .kernels import cuda


class Intersection(NamedTuple):
    """Distinct codes of both; ``a[a_index]`` and ``b[b_index]`` are `codes`."""

    codes: Codes
    a_index: Array
    b_index: Array


class Union(NamedTuple):
    """Distinct codes of either; ``codes[a_inverse]`` is a and ``codes[b_inverse]`` is b."""

    codes: Codes
    a_inverse: Array
    b_inverse: Array


class Difference(NamedTuple):
    """Distinct codes of a that b lacks; ``a[a_index]`` is `codes`."""

    codes: Codes
    a_index: Array


class Shared(NamedTuple):
    """Distinct codes of both, and how many rows of a and of b hold each."""

    codes: Codes
    a_counts: Array
    b_counts: Array


def isin(a: Codes, b: Codes) -> Array:
    """Tell for every code of `a` whether `b` holds it too: bool (n,)."""
    _need_comparable(a, b)
    return _match(a, b) >= 0


def intersection(a: Codes, b: Codes) -> Intersection:
    """Return the distinct codes that both hold, and where; the indices are int64 (shared,)."""
    _need_comparable(a, b)
    first, codes, _, _ = a._distinct()
    found = _match(codes, b)
    both = places(found >= 0)
    return Intersection(codes[both], first[both], found[both])


def union(a: Codes, b: Codes) -> Union:
    """Return the distinct codes that either holds; the inverses are int64 (n,) and (m,).

    Copies the words of both into one array.
    """
    _need_comparable(a, b)
    codes, inverse, _ = Codes.concatenate([a, b]).unique()
    return Union(codes, inverse[: len(a)], inverse[len(a) :])


def difference(a: Codes, b: Codes) -> Difference:
    """Return the distinct codes that `a` holds and `b` does not; the index is int64 (only a,)."""
    _need_comparable(a, b)
    first, codes, _, _ = a._distinct()
    only_a = places(_match(codes, b) < 0)
    return Difference(codes[only_a], first[only_a])


def shared(a: Codes, b: Codes) -> Shared:
    """Return the distinct codes that both hold, and their counts in each, int64 (shared,).

    The share of a's inputs that fall into polytopes of b is ``a_counts.sum() / len(a)``.
    """
    _need_comparable(a, b)
    _, a_codes, _, a_counts = a._distinct()
    _, b_codes, _, b_counts = b._distinct()
    found = _match(a_codes, b_codes)
    both = places(found >= 0)
    return Shared(a_codes[both], a_counts[both], b_counts[found[both]])


def _match(a: Codes, b: Codes) -> Array:
    """Return for every code of `a` the lowest row of `b` that equals it, or -1."""
    found = empty(a.words, (len(a),), "int64")
    if on_cuda(a.words):
        order = b.argsort()
        with on_device_of(a.words):
            cuda().match(a.words, b.words, order, found, current_stream(a.words))
    else:
        _core.match(lent(a.words), lent(b.words), lent(found))
    return found


def _need_comparable(a: Codes, b: Codes) -> None:
    for codes, name in ((a, "a"), (b, "b")):
        if not isinstance(codes, Codes):
            raise TypeError(f"{name} is a {type(codes).__name__}; wanted Codes")
    need_same_place(a.words, "a", b.words, "b")
    need_same_layers(a, "a", b, "b")

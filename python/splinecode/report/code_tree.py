"""Codes of polygons by what changes between neighbours: a few bytes each, whatever their width."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class CodeTree(NamedTuple):
    """Each code as the bits in which it differs from that of a neighbour nearer to polygon 0.

    parent : int64 (F,), -1 for polygon 0, whose code differs from zeros
    offsets : int64 (F + 1,)
    places : int64, ``places[offsets[f]:offsets[f + 1]]``: 64 times the word, plus the bit
    """

    parent: Ints
    offsets: Ints
    places: Ints


def code_tree(words: NDArray[np.uint64], beside: Ints) -> CodeTree:
    """Return the codes of polygons as differences along a tree of neighbours.

    Parameters
    ----------
    words : uint64 (F, w), F at least 1
    beside : int64 (n, 2)
        Polygons on the two sides of an edge; -1 outside.

    Notes
    -----
    O(F w + n). Neighbours differ in one bit as a rule. A polygon that no edge leads to hangs on
    polygon 0.

    """
    parent = _breadth_first(len(words), beside[(beside >= 0).all(axis=1)])
    change = words.copy()
    change[1:] ^= words[parent[1:]]
    octets = change.astype("<u8", copy=False).view(np.uint8)
    row, octet = np.nonzero(octets)
    bits = np.unpackbits(octets[row, octet][:, None], axis=1, bitorder="little")
    which, bit = np.nonzero(bits)
    sizes = np.bincount(row[which], minlength=len(words))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return CodeTree(parent, offsets, 8 * octet[which] + bit)


def _breadth_first(n: int, pairs: Ints) -> Ints:
    """Return each polygon's neighbour one step nearer to polygon 0."""
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    begin = np.searchsorted(ends[:, 0], np.arange(n + 1))
    parent = np.zeros(n, np.int64)
    parent[0] = -1
    reached = np.zeros(n, bool)
    reached[0] = True
    front = np.array([0])
    while len(front):
        sizes = begin[front + 1] - begin[front]
        first = np.repeat(begin[front] - np.cumsum(sizes) + sizes, sizes)
        found = ends[first + np.arange(sizes.sum())]
        found = found[~reached[found[:, 1]]]
        front, where = np.unique(found[:, 1], return_index=True)
        parent[front] = found[where, 0]
        reached[front] = True
    return parent


def polygon_sides(offsets: Ints, polygons: Ints, edges: Ints, vertices: int) -> Ints:
    """Return the edge from each corner of a polygon to the next one: int64, as `polygons`.

    Raises ValueError for a side that is no edge.
    """
    following = np.arange(1, len(polygons) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    wanted = _keys(polygons, polygons[following], vertices)
    keys = _keys(edges[:, 0], edges[:, 1], vertices)
    order = np.argsort(keys)
    place = np.searchsorted(keys[order], wanted).clip(max=len(keys) - 1)
    found: Ints = order[place]
    missing = int((keys[found] != wanted).sum()) if len(keys) else len(wanted)
    if missing:
        raise ValueError(f"{missing:,} sides of polygons are no edges; wanted every one in edges")
    return found


def _keys(a: Any, b: Any, vertices: int) -> Ints:
    keys: Ints = np.minimum(a, b) * vertices + np.maximum(a, b)
    return keys

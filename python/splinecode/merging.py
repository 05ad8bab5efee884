"""Neighbours of a database from those of its parts."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from .arrays import Array, as_numpy, from_numpy, library_of, need_same_place


def merge_topk(parts: Sequence[tuple[Array, Array]], k: int | None = None) -> tuple[Array, Array]:
    """Merge the neighbours found in disjoint parts of a database into those of the whole.

    Parameters
    ----------
    parts : sequence of (distances, indices), each (m, columns)
        As `HammingNeighbors.kneighbors` returns them for the same m queries, with indices into the
        whole database: add the first row of the part. A part may have any number of columns, also
        none; it must hold its k nearest rows, or all of its rows where there are fewer.
    k : int, optional
        Neighbours to keep; None for as many as the widest part has.

    Returns
    -------
    distances, indices : (m, min(k, columns of all parts)), of the dtypes and library of the parts
        Ordered by (distance, index), as if the whole database had been searched.

    Raises
    ------
    TypeError, ValueError : no parts; parts of other shapes, dtypes or libraries; k below 1; a row
        of the database in two parts.

    Notes
    -----
    Associative and independent of the order of the parts, for one k: parts can be merged as they
    come. O(m c log c) for c columns in all. CPU only.

    """
    parts = [_checked_part(part, number) for number, part in enumerate(parts)]
    if not parts:
        raise ValueError("parts is empty; wanted at least one (distances, indices)")
    for number, part in enumerate(parts[1:], start=1):
        _need_mergeable(parts[0], part, f"parts[{number}]")
    wanted = max(part[0].shape[1] for part in parts) if k is None else operator.index(k)
    if k is not None and wanted < 1:
        raise ValueError(f"k is {wanted}; wanted at least 1")
    distances, indices = (
        np.concatenate([as_numpy(part[side], "parts") for part in parts], axis=1) for side in (0, 1)
    )
    order = np.lexsort((indices, distances), axis=1)
    distances, indices = (np.take_along_axis(a, order, axis=1) for a in (distances, indices))
    repeated = (np.diff(indices, axis=1) == 0) & (np.diff(distances, axis=1) == 0)
    if repeated.any():
        query, column = np.argwhere(repeated)[0]
        raise ValueError(
            f"parts overlap: query {query} has row {indices[query, column]} twice; wanted disjoint "
            "parts, with indices into the whole database"
        )
    library = library_of(parts[0][0], "parts")
    kept = (np.ascontiguousarray(a[:, :wanted]) for a in (distances, indices))
    merged_distances, merged_indices = (from_numpy(a, library) for a in kept)
    return merged_distances, merged_indices


def _checked_part(part: tuple[Array, Array], number: int) -> tuple[Array, Array]:
    distances, indices = part
    need_same_place(distances, f"parts[{number}][0]", indices, f"parts[{number}][1]")
    if distances.ndim != 2 or tuple(distances.shape) != tuple(indices.shape):
        raise ValueError(
            f"parts[{number}] has shapes {tuple(distances.shape)} and {tuple(indices.shape)}; "
            "wanted two arrays (queries, neighbours)"
        )
    return distances, indices


def _need_mergeable(first: tuple[Array, Array], part: tuple[Array, Array], name: str) -> None:
    need_same_place(first[0], "parts[0]", part[0], name)
    if len(part[0]) != len(first[0]):
        raise ValueError(f"{name} has {len(part[0])} queries and parts[0] {len(first[0])}")
    dtypes = [[str(array.dtype) for array in some] for some in (first, part)]
    if dtypes[0] != dtypes[1]:
        raise TypeError(f"{name} has dtypes {dtypes[1]} and parts[0] {dtypes[0]}; wanted the same")

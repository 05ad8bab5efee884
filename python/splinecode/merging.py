"""Neighbours of a database from those of its parts."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from .arithmetic import along_rows, concatenate, contiguous, pair_order, places
from .arrays import Array, handed_back, lent, need_same_place


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
    come. O(m c log c) for c columns in all. On a GPU the check for rows in two parts waits.

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
        concatenate([lent(part[side]) for part in parts], axis=1) for side in (0, 1)
    )
    order = pair_order(distances, indices)
    distances, indices = (along_rows(a, order) for a in (distances, indices))
    _need_disjoint(distances, indices)
    kept = (contiguous(a[:, :wanted]) for a in (distances, indices))
    merged_distances, merged_indices = (handed_back(a, parts[0][0]) for a in kept)
    return merged_distances, merged_indices


def _need_disjoint(distances: Array, indices: Array) -> None:
    """Raise ValueError if a row of the database stands twice with a query's sorted neighbours."""
    repeated = (indices[:, 1:] == indices[:, :-1]) & (distances[:, 1:] == distances[:, :-1])
    if bool(repeated.any()):
        query, column = divmod(int(places(repeated.reshape(-1))[0]), int(repeated.shape[1]))
        raise ValueError(
            f"parts overlap: query {query} has row {int(indices[query, column])} twice; wanted "
            "disjoint parts, with indices into the whole database"
        )


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

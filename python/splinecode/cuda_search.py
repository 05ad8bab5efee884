"""Search on a GPU among codes that lie there: the nearest ones, and those within a radius."""

from __future__ import annotations

from . import _core
from .arithmetic import running_totals
from .arrays import Array, current_stream, empty, lent, on_cuda, on_device_of, to_host
from .kernels import cuda, run, workspace

WORKSPACE_BYTES = 1 << 30
"""Room beside the results from which on queries are taken in batches."""


def fill_nearest(
    queries: Array, database: Array, exclude_self: bool, distances: Array, indices: Array
) -> None:
    """Fill distances and indices (m, k) where the codes live, on the CPU by brute force."""
    if not on_cuda(queries):
        _core.top_k(lent(queries), lent(database), exclude_self, lent(distances), lent(indices))
        return
    m, rows, k = queries.shape[0], database.shape[0], distances.shape[1]
    least, most = (cuda().top_k_workspace_bytes(n, rows, k) for n in (1, m))
    beside = workspace(queries, max(least, min(most, WORKSPACE_BYTES)))
    with on_device_of(queries):
        stream = current_stream(queries)
        cuda().top_k(queries, database, exclude_self, distances, indices, beside, stream)


def counts_within(queries: Array, database: Array, radius: int, exclude_self: bool) -> Array:
    """Count the codes within the radius of each query: int64 (m,)."""
    counts = empty(queries, (queries.shape[0],), "int64", "counts")
    run(_core.count_within, queries, queries, database, radius, exclude_self, counts)
    return counts


def lists_within(
    queries: Array, database: Array, radius: int, exclude_self: bool
) -> tuple[Array, Array, Array]:
    """Return (offsets, indices, distances) of the lists within the radius; offsets on the CPU.

    Counts first, and waits for the counts to allocate the lists.
    """
    with on_device_of(queries):
        totals = running_totals(counts_within(queries, database, radius, exclude_self))
        offsets = to_host(totals)
        found = (int(offsets[-1]),)
        distances = empty(queries, found, "int32", "distances")
        indices = empty(queries, found, "int64", "indices")
        beside = workspace(queries, 8 * queries.shape[0])
        stream = current_stream(queries)
        cuda().fill_within(
            queries, database, radius, exclude_self, totals, distances, indices, beside, stream
        )
    return offsets, indices, distances

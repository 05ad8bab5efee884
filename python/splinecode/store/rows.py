"""The table that says where each code came from."""

from __future__ import annotations

from typing import Any

import numpy as np

RowTable = np.ndarray[Any, Any]

ROW = np.dtype([("input", "<i8"), ("position", "<i8")])
"""A code's origin: the number of its input, and its position there, -1 where it has no single one.

Positions count tokens that are no padding from 0; in an image they are flat, in C order.
"""

SOURCED_ROW = np.dtype([*ROW.descr, ("fingerprint", "<u8")])
"""A row of a store's table: `ROW`, and a hash of the input, 0 where none was taken."""


def row_table(inputs: Any, positions: Any = -1) -> RowTable:
    """Return a table (n,) of `ROW`."""
    table = np.empty(np.shape(inputs), ROW)
    table["input"], table["position"] = inputs, positions
    return table


def sourced(rows: RowTable, fingerprints: Any = 0) -> RowTable:
    """Return a table (n,) of `SOURCED_ROW`."""
    table = np.empty(len(rows), SOURCED_ROW)
    table["input"], table["position"] = rows["input"], rows["position"]
    table["fingerprint"] = fingerprints
    return table

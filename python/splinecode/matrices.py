"""Distance matrices: of two sets of codes, of one with itself, or of its pairs alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import _core
from .arrays import Array, empty
from .kernels import run
from .memory import item_bytes, need_room

FORMS = ("full", "condensed")
DTYPES = ("int32", "uint16")


class Distances:
    """The distances of every row of words `x` to every row of `y`, in one of the forms.

    `y` None: of `x` to itself, for which half the work is done. `dtype` is that of the counts.
    They are made beside `near`, which is x.
    """

    def __init__(self, x: Array, y: Array | None, form: str, dtype: str) -> None:
        self.near = x
        self._x, self._y, self._form, self._dtype = x, y, form, dtype
        n, m = len(x), len(x if y is None else y)
        self.shape: tuple[int, ...] = (n, m)
        self._what = f"distances of {n} x {m} codes"
        if form == "condensed":
            self.shape = (n * (n - 1) // 2,)
            self._what = f"distances of the pairs of {n} codes"

    def need_room(self, layers: int, kept: str, beside: int) -> None:
        """Raise MemoryError unless there is room for a matrix a layer and `beside` bytes a pair."""
        need_room(self.shape, layers * item_bytes(kept) + beside, self._what, self._x)

    def write(self, begin: int, end: int, out: Array) -> None:
        """Write the distances within the words [begin, end)."""
        x = self._x[:, begin:end]
        if self._form == "condensed":
            run(_core.hamming_condensed, x, x, out)
        elif self._y is None:
            run(_core.hamming_matrix_symmetric, x, x, out)
        else:
            run(_core.hamming_matrix, x, x, self._y[:, begin:end], out)

    def by_layer(self, ranges: list[tuple[int, int]]) -> Iterator[Array]:
        """One layer after the other, in one buffer."""
        distances = empty(self._x, self.shape, self._dtype, self._what)
        for begin, end in ranges:
            self.write(begin, end, distances)
            yield distances


def need_form(form: str, dtype: str, with_y: bool, weighted: bool) -> None:
    """Raise ValueError unless there is such a form of a matrix, and such a dtype of counts."""
    if form not in FORMS:
        raise ValueError(f"form is {form!r}; wanted one of {FORMS}")
    if form == "condensed" and with_y:
        raise ValueError("form='condensed' is of the pairs of one set of codes; wanted y=None")
    if dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}; wanted one of {DTYPES}")
    if weighted and dtype != "int32":
        raise ValueError(f"dtype is {dtype!r} but weights give float64; leave dtype out")


def need_counts_fit(dtype: str, ranges: list[tuple[int, int]]) -> None:
    """Raise ValueError unless a distance within any of these ranges of words fits the dtype."""
    widest = max((end - begin for begin, end in ranges), default=0)
    if dtype == "uint16" and 64 * widest > np.iinfo(np.uint16).max:
        raise ValueError(
            f"dtype is 'uint16' but codes of {widest} words may differ in more than 65,535 units; "
            "wanted 'int32'"
        )

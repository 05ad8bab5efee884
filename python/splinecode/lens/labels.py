"""Labels of inputs: given at once, or beside the batches of a loader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import host_values


def checked_labels(labels: Any, n: int) -> NDArray[Any] | None:
    """Return labels as numpy (n,), or None for None.

    Raises ValueError for another shape, and for NaN, which is equal to no label and itself.
    """
    if labels is None:
        return None
    values = host_values(labels)
    if values.shape != (n,):
        raise ValueError(f"labels has shape {values.shape}; wanted ({n},), one an input")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(
            f"labels holds {int(np.isnan(values).sum())} NaN; leave out the inputs without a label"
        )
    return values


def joined_labels(beside: Sequence[Any], sizes: Sequence[int]) -> NDArray[Any] | None:
    """Return the labels of all batches, given those beside each and its inputs; None for none.

    Raises ValueError where only some batches have labels, or labels are not one an input.
    """
    known = [host_values(labels) for labels in beside if labels is not None]
    if not known:
        return None
    if len(known) < len(beside):
        raise ValueError(
            f"labels stand beside {len(known)} of {len(beside)} batches; wanted them beside each, "
            "or beside none"
        )
    for labels, size in zip(known, sizes, strict=True):
        if labels.shape != (size,):
            raise ValueError(
                f"labels of shape {labels.shape} stand beside a batch of {size} inputs; wanted "
                f"({size},), one an input"
            )
    return np.concatenate(known)

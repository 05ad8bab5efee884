"""What an analysis is given: a model or a network, and a batch or a loader of inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays import Array, host_values
from ..capture.batches import Batch, batched, is_array
from ..capture.capturing import Model
from ..network import Network
from ..reading import read_network
from .labels import checked_labels, joined_labels
from .models import WANTED_TO_READ, module_of


def network_of(model: Model | Network, inputs: Tensor) -> Network:
    """Return a network as it is, or read it from a module or program with a few of its inputs.

    Raises what `read_network` raises, and TypeError for what is neither.
    """
    if isinstance(model, Network):
        return model
    return read_network(module_of(model, wanted=WANTED_TO_READ), inputs[:2])


def batch_of(
    inputs: Array | Iterable[Any], labels: Any = None, *, limit: int | None = None
) -> tuple[Tensor, NDArray[Any] | None]:
    """Return inputs as one tensor, and their labels if there are any.

    Parameters
    ----------
    inputs : array (n, ...), or iterable of batches, or of (batch, labels) pairs as a DataLoader's
    labels : array-like (n,), optional
        Instead of those of the iterable.
    limit : int, optional
        Take the first so many inputs; batches after them are not drawn.

    Raises
    ------
    TypeError : inputs is neither an array nor iterable, or a batch is no array.
    ValueError : no inputs, a limit below 1, another number of labels, labels beside some batches
        alone, or NaN among them.

    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; wanted at least 1, or None for every input")
    drawn, beside = _drawn(inputs, limit)
    x = (drawn[0] if len(drawn) == 1 else torch.cat(drawn))[:limit]
    if len(x) == 0:
        raise ValueError(f"inputs has shape {tuple(x.shape)}; wanted at least one input")
    if labels is None:
        labels = joined_labels(beside, [len(part) for part in drawn])
    return x, checked_labels(None if labels is None else _first(labels, limit), len(x))


def _first(labels: Any, limit: int | None) -> NDArray[Any]:
    values = host_values(labels)
    return values[:limit] if values.ndim else values


def _drawn(inputs: Any, limit: int | None) -> tuple[list[Tensor], list[Any]]:
    """Return batches until there are enough inputs, and what stands beside each."""
    if not is_array(inputs) and (isinstance(inputs, Mapping) or not isinstance(inputs, Iterable)):
        raise TypeError(
            f"inputs is a {type(inputs).__name__}; wanted an array or an iterable of batches"
        )
    batches, _ = batched(inputs, sys.maxsize if limit is None else limit)
    drawn: list[Tensor] = []
    beside, rows = [], 0
    for batch in batches:
        drawn.append(_tensor(batch))
        beside.append(batch.beside)
        rows += batch.size
        if limit is not None and rows >= limit:
            break
    if not drawn:
        raise ValueError("inputs holds no batches; wanted at least one")
    return drawn, beside


def _tensor(batch: Batch) -> Tensor:
    if not isinstance(batch.arguments, Tensor):
        raise TypeError(
            f"a batch of inputs is a mapping of {list(batch.arguments)}; wanted an array, which "
            "distances can be taken of"
        )
    return batch.arguments

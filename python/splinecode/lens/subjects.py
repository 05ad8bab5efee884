"""What an analysis is given: a model or a network, and a batch or a loader of inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..arrays import Array, library_of
from ..network import Network
from ..reading import read_network


def network_of(model: nn.Module | Network, inputs: Tensor) -> Network:
    """Return a network as it is, or read it from a module with a few of its inputs.

    Raises what `read_network` raises, and TypeError for what is neither.
    """
    if isinstance(model, Network):
        return model
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model is a {type(model).__name__}; wanted a torch.nn.Module, or a Network "
            "from read_network"
        )
    return read_network(model, inputs[:2])


def batch_of(
    inputs: Array | Iterable[Any], labels: Any = None, *, limit: int | None = None
) -> tuple[Tensor, np.ndarray[Any, Any] | None]:
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
    TypeError : inputs is neither an array nor iterable.
    ValueError : no inputs, or another number of labels.

    """
    if hasattr(inputs, "shape") and hasattr(inputs, "dtype"):
        library_of(inputs, "inputs")
        x, found = torch.as_tensor(inputs)[:limit], None
    else:
        x, found = _gathered(inputs, limit)
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"inputs has shape {tuple(x.shape)}; wanted at least one input")
    if labels is not None:
        found = np.asarray(labels)[:limit]
    if found is not None and found.shape != (len(x),):
        raise ValueError(f"labels has shape {found.shape}; wanted ({len(x)},), one an input")
    return x, found


def _gathered(
    batches: Iterable[Any], limit: int | None
) -> tuple[Tensor, np.ndarray[Any, Any] | None]:
    if not isinstance(batches, Iterable):
        raise TypeError(
            f"inputs is a {type(batches).__name__}; wanted an array or an iterable of batches"
        )
    parts, labels, rows = [], [], 0
    for item in batches:
        batch, *rest = item if isinstance(item, (tuple, list)) else (item,)
        parts.append(torch.as_tensor(batch))
        labels.append(np.asarray(rest[0]) if rest else None)
        rows += len(parts[-1])
        if limit is not None and rows >= limit:
            break
    if not parts:
        raise ValueError("inputs holds no batches; wanted at least one")
    known = [label for label in labels if label is not None]
    found = np.concatenate(known)[:limit] if len(known) == len(parts) else None
    return torch.cat(parts)[:limit], found

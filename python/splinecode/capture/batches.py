"""Inputs in batches: arrays, named arrays as tokenizers give them, loaders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..arrays import Array, library_of

_IDS, _MASK = "input_ids", "attention_mask"


@dataclass(frozen=True)
class Batch:
    """What a model is called with once: a tensor, or named values.

    `beside` is what comes with them in a tuple or list, as labels do in a loader's; else None.
    """

    arguments: Tensor | dict[str, Any]
    size: int
    beside: Any = None

    def tensors(self) -> list[Tensor]:
        """Return the tensors of one item an input."""
        if isinstance(self.arguments, Tensor):
            return [self.arguments]
        values = self.arguments.values()
        return [x for x in values if isinstance(x, Tensor) and x.shape[:1] == (self.size,)]

    def own(self) -> Tensor | dict[str, Any]:
        """Return the arguments with their numbers copied: models write into what they are given."""
        if isinstance(self.arguments, dict):
            return {name: _copied(value) for name, value in self.arguments.items()}
        copied: Tensor = _copied(self.arguments)
        return copied

    @property
    def length(self) -> int | None:
        """Tokens of an input with their padding; None where inputs are no token numbers."""
        ids = self.arguments if isinstance(self.arguments, Tensor) else self.arguments.get(_IDS)
        if not isinstance(ids, Tensor) or ids.ndim != 2 or ids.is_floating_point():
            return None
        return int(ids.shape[1])

    @property
    def mask(self) -> Tensor | None:
        """The ``attention_mask`` of named values, if there is one."""
        mask = None if isinstance(self.arguments, Tensor) else self.arguments.get(_MASK)
        return mask if isinstance(mask, Tensor) else None

    def tokens(self) -> np.ndarray[Any, Any] | None:
        """Return where there are tokens and no padding, bool (inputs, tokens); None if everywhere.

        By the batch's ``attention_mask``. On a GPU this waits for it.
        """
        mask = self.mask
        if mask is None or mask.ndim != 2:
            return None
        tokens = mask.cpu().numpy() != 0
        return None if tokens.all() else tokens

    def need_device_of(self, model: nn.Module) -> None:
        """Raise ValueError for inputs on another device than the model's first parameter."""
        parameter = next(model.parameters(), None)
        for tensor in self.tensors():
            if parameter is not None and parameter.device != tensor.device:
                raise ValueError(
                    f"inputs are on {tensor.device} and the model on {parameter.device}; move "
                    "one of them with .to(...)"
                )


def batched(
    inputs: Array | Mapping[str, Any] | Iterable[Any], batch_size: int
) -> tuple[Iterator[Batch], int | None]:
    """Return batches, and how many inputs there are if that is known.

    An iterable may give batches made by `as_batch`. Raises TypeError and ValueError for what gives
    no batches, at once or as they are drawn.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    if is_array(inputs):
        return _array_batches(inputs, batch_size)
    if isinstance(inputs, Mapping):
        n = _inputs_in(inputs)
        return (as_batch(_cut(inputs, n, i, i + batch_size)) for i in range(0, n, batch_size)), n
    if not isinstance(inputs, Iterable):
        raise TypeError(
            f"inputs is a {type(inputs).__name__}; wanted an array, a mapping of arrays or an "
            "iterable of batches"
        )
    return (as_batch(item) for item in inputs), _count(inputs)


def _array_batches(array: Array, batch_size: int) -> tuple[Iterator[Batch], int]:
    library_of(array, "inputs")
    if array.ndim == 0 or len(array) == 0:
        raise ValueError(f"inputs has shape {tuple(array.shape)}; wanted at least one input")
    n = len(array)
    return (as_batch(array[i : i + batch_size]) for i in range(0, n, batch_size)), n


def is_array(value: Any) -> bool:
    """Tell an array of any library."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def as_batch(item: Any) -> Batch:
    """Return one item of an iterable of batches; what is a `Batch` stays as it is.

    Raises TypeError and ValueError for what a model is not called with.
    """
    if isinstance(item, Batch):
        return item
    value, *rest = item if isinstance(item, tuple | list) and item else (item,)
    beside = rest[0] if rest else None
    if isinstance(value, Mapping):
        named = {key: _tensor(x) if is_array(x) else x for key, x in value.items()}
        return Batch(named, _inputs_in(named), beside)
    if not is_array(value):
        raise TypeError(
            f"a batch of inputs is a {type(value).__name__}; wanted a tensor, a mapping of "
            "tensors, or a tuple or list that starts with one"
        )
    tensor = _tensor(value)
    if tensor.ndim == 0:
        raise ValueError("a batch of inputs has no axes; wanted the inputs along the first")
    return Batch(tensor, len(tensor), beside)


def _tensor(array: Array) -> Tensor:
    library_of(array, "a batch of inputs")
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        array = array.copy()  # torch warns of others; a memory map is read here
    return torch.as_tensor(array)


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) and value.is_floating_point() else value


def _inputs_in(named: Mapping[str, Any]) -> int:
    arrays = {key: value for key, value in named.items() if is_array(value)}
    first = arrays.get(_IDS, next(iter(arrays.values()), None))
    if first is None:
        kinds = {key: type(value).__name__ for key, value in named.items()}
        raise TypeError(
            f"inputs holds no array but {kinds}; ask the tokenizer for return_tensors='pt'"
        )
    if first.ndim == 0 or len(first) == 0:
        raise ValueError(f"inputs has shape {tuple(first.shape)}; wanted at least one input")
    return len(first)


def _cut(named: Mapping[str, Any], n: int, start: int, stop: int) -> dict[str, Any]:
    return {
        key: value[start:stop] if is_array(value) and value.shape[:1] == (n,) else value
        for key, value in named.items()
    }


def _count(inputs: Iterable[Any]) -> int | None:
    """Return how many inputs an iterable of batches gives, if a loader's sampler tells."""
    if not isinstance(inputs, DataLoader) or inputs.batch_size is None:
        return None  # no loader, or one whose batches are made by another sampler
    sampler: Any = inputs.sampler
    if not isinstance(sampler, Sized):
        return None
    n = len(sampler)
    return n - n % inputs.batch_size if inputs.drop_last else n

"""The example input: which of a module's inputs varies, and what the others are held at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..arrays import library_of
from ..exported import Program
from ..steps import Shape

Place = str | int
Values = dict[Place, Any]
Arguments = tuple[list[Any], dict[str, Any]]


class Example:
    """A module's inputs, one of which varies.

    Attributes: `batch`, the example of the input that varies, as the module takes it.
    """

    def __init__(self, module: nn.Module, example_input: Any, inputs: Place | None) -> None:
        self._values, self._spread = _spread(module, example_input)
        self._place = self._varied(module, inputs)
        several = len(self._values) > 1 or isinstance(example_input, Mapping)
        for place, value in self._values.items():
            if hasattr(value, "shape") and hasattr(value, "dtype"):
                library_of(value, f"example_input[{place!r}]" if several else "example_input")
                self._values[place] = torch.as_tensor(value)
        name = f"example_input[{self._place!r}]" if several else "example_input"
        self.batch = _as_batch(self._values[self._place], module, name)
        for place, value in self._values.items():
            if isinstance(value, Tensor):
                self._values[place] = value.to(self.batch.device)

    def _varied(self, module: nn.Module, inputs: Place | None) -> Place:
        """Return the place of the input that varies."""
        arrays = [place for place, value in self._values.items() if hasattr(value, "shape")]
        if inputs is None:
            if len(arrays) == 1:
                return arrays[0]
            if not arrays:
                library_of(next(iter(self._values.values()), None), "example_input")
            raise ValueError(
                f"example_input holds {len(arrays)} arrays, {arrays}; say with inputs= which one "
                "the segments vary"
            )
        if isinstance(inputs, str) and inputs not in self._values:
            names = list(_signature(module).parameters)
            inputs = names.index(inputs) if inputs in names else inputs
        if inputs not in arrays:
            raise ValueError(f"inputs is {inputs!r}; the arrays of example_input are {arrays}")
        return inputs

    @property
    def shape(self) -> Shape:
        """Shape of one input."""
        return tuple(self.batch.shape[1:])

    def of_rows(self, rows: int) -> Tensor:
        """Return the input that varies with so many rows: the first ones, repeated as needed."""
        return self.batch[torch.arange(rows) % len(self.batch)]

    def arguments(self, varied: Tensor) -> Arguments:
        """Return a module's arguments for a batch of the input that varies.

        Of another input that has as many rows as the example, the first is taken for all.
        """

        def held(place: Place, value: Any) -> Any:
            if place == self._place:
                return varied
            if isinstance(value, Tensor) and value.ndim and len(value) == len(self.batch):
                return value[:1].expand(len(varied), *value.shape[1:])
            return value

        return self._spread({place: held(place, value) for place, value in self._values.items()})


def _spread(module: nn.Module, example: Any) -> tuple[Values, Callable[[Values], Arguments]]:
    """Return the inputs by place, and what makes a module's arguments of them.

    A tuple, a list or a mapping is spread over the arguments of the module's forward, and is its
    only argument where they do not take it so.
    """
    takes = _signature(module)
    if isinstance(example, Mapping):
        named = all(isinstance(name, str) for name in example) and _binds(takes, [], example)
        if named:
            return dict(example), lambda values: ([], {str(k): v for k, v in values.items()})
        return dict(example), lambda values: ([values], {})
    if not isinstance(example, (tuple, list)):
        return {0: example}, lambda values: (list(values.values()), {})
    kind = tuple if isinstance(example, tuple) else list
    if _binds(takes, example, {}):
        return dict(enumerate(example)), lambda values: (list(values.values()), {})
    return dict(enumerate(example)), lambda values: ([kind(values.values())], {})


def _signature(module: nn.Module) -> inspect.Signature:
    return module.signature if isinstance(module, Program) else inspect.signature(module.forward)


def _binds(takes: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    try:
        takes.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _as_batch(value: Any, module: nn.Module, name: str) -> Tensor:
    """Return the example of the input that varies, in the dtype and on the device of the module."""
    batch = torch.as_tensor(value)
    if batch.ndim < 2 or len(batch) == 0:
        raise ValueError(
            f"{name} has shape {tuple(batch.shape)}; wanted a batch (n, ...) of at least one "
            "input, as the module takes it"
        )
    weights = [weight for weight in module.parameters() if weight.is_floating_point()]
    dtypes = [weight.dtype for weight in weights] or [torch.float64]
    device = weights[0].device if weights else batch.device
    return batch.to(device, batch.dtype if batch.dtype in dtypes else dtypes[0])

"""A model that is run for its codes, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from ..codes import Codes
from ..exported import exported_program
from ..store.rows import RowTable
from .batches import Batch
from .choosing import chosen_modules
from .exported import recording_exported
from .families import call
from .positions import Positions
from .recording import Recorder, hooked


class Run:
    """A model, its chosen layers and positions, checked.

    Raises what `spline_codes` says of model, layers and positions.
    """

    def __init__(
        self,
        model: nn.Module | torch.export.ExportedProgram,
        layers: str | Sequence[str] | None,
        positions: Positions,
        threshold: float,
    ) -> None:
        program = exported_program(model)
        self.model: nn.Module = program if program is not None else _evaluated(model)
        self.layers, self.positions, self.threshold = layers, positions, threshold
        self._recorder = Recorder(threshold, layers)
        self._running: AbstractContextManager[Callable[..., Any]]
        if program is not None:
            program.need_evaluation()
            recording = recording_exported(program, layers, self._recorder.record)
            self._running = nullcontext(recording)
        else:
            modules = chosen_modules(self.model, layers)
            self._running = hooked(self.model, modules, self._recorder)

    @property
    def dtypes(self) -> dict[str, str]:
        """What was packed so far, by layer."""
        return self._recorder.dtypes

    @contextmanager
    def running(self) -> Iterator[Callable[[Batch, int], tuple[Codes, RowTable]]]:
        """Yield what gives a batch's codes and rows, from it and the number of its first input."""

        def codes_of(batch: Batch, first: int) -> tuple[Codes, RowTable]:
            batch.need_device_of(self.model)
            self._recorder.begin(self.positions.of_batch(first, batch))
            call(run, self.model, batch.own())
            return self._recorder.take()

        with torch.no_grad(), self._running as run:
            yield codes_of


def _evaluated(model: Any) -> nn.Module:
    """Return a module; raises unless it is one, in evaluation mode."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; wanted a torch.nn.Module")
    for name, part in model.named_modules():
        if part.training:
            raise ValueError(
                f"model is in training mode (at {name or 'its root'}); call model.eval() first"
            )
    return model

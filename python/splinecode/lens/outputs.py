"""What a module returns while something else runs the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def keeping_outputs(module: nn.Module) -> Iterator[list[Tensor]]:
    """Yield a list to which each forward pass adds the module's output: (batch, units) on the CPU.

    Outputs that are no tensors are left out.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            kept.append(output.detach().flatten(1).to("cpu", torch.float64, copy=True))

    handle = module.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()

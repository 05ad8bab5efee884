"""The model that an analysis is given, as a module."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..exported import exported_program

WANTED = "a torch.nn.Module, or what torch.export made of one"
WANTED_TO_READ = "a torch.nn.Module, or a Network from read_network"


def module_of(model: Any, name: str = "model", wanted: str = WANTED) -> nn.Module:
    """Return a module as it is, and what torch.export made of one as a module that can be hooked.

    An analysis that runs a model more than once, or hooks it, does this first: each call makes a
    module of its own of an ExportedProgram.

    Raises TypeError for what is neither, saying what was wanted.
    """
    program = exported_program(model)
    if program is not None:
        return program.eval()
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name} is a {type(model).__name__}; wanted {wanted}")
    return model

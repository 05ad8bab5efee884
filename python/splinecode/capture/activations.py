"""Which modules are activations, whose input is a pre-activation."""

from __future__ import annotations

from torch import nn

from ..decoders import has_boundary_at_zero

ACTIVATIONS = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
)
"""Modules whose input is a pre-activation. For the smooth ones the code is a sign code."""

NOT_CAPTURED = (
    nn.ReLU6,
    nn.Hardtanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Threshold,
    nn.Softshrink,
    nn.Hardshrink,
)
"""Piecewise activations with other thresholds than one at zero."""


def is_activation(part: nn.Module) -> bool:
    """Tell whether a module is of `ACTIVATIONS`, or one of Hugging Face's, NewGELUActivation, say.

    The latter are told by their class: in the library's file of activations, with one boundary at
    z = 0.
    """
    if isinstance(part, ACTIVATIONS):
        return True
    is_theirs = type(part).__module__ == "transformers.activations"
    return is_theirs and has_boundary_at_zero(part)

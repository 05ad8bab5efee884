"""Codes and activations of one layer, from one pass over a model's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import host_values, to_host
from ...codes import Codes
from ..coded import codes_of
from .method import Values


def codes_and_activations(
    subject: Any, inputs: Any, labels: Any, activations: Any, layer: str | None, **options: Any
) -> tuple[Codes, Values | None, NDArray[Any] | None]:
    """Return codes and activations on the CPU, and labels if there are any.

    Raises TypeError and ValueError as `monosemanticity` says.
    """
    if isinstance(subject, Codes):
        codes, labels = codes_of(subject, inputs, labels, layers=layer, **options)
    elif activations is not None:
        raise TypeError("activations were given beside a model, which has its own; wanted Codes")
    else:
        codes, activations, labels = _captured(subject, inputs, labels, layer, options)
    codes = Codes(to_host(codes.words), codes.layers)
    if activations is None:
        return codes, None, labels
    values = host_values(activations).astype(np.float64)
    if values.ndim != 2 or len(values) != len(codes):
        raise ValueError(
            f"activations has shape {values.shape}; wanted ({len(codes)}, units), a row a code"
        )
    if not np.isfinite(values).all():
        raise ValueError("activations holds NaN or inf; wanted finite numbers")
    return codes, values, labels


def _captured(
    model: Any, inputs: Any, labels: Any, layer: str | None, options: dict[str, Any]
) -> tuple[Codes, Any, Any]:
    import torch  # noqa: PLC0415 - codes need none

    from ..models import module_of  # noqa: PLC0415
    from ..outputs import keeping_outputs  # noqa: PLC0415

    model = module_of(model, "subject", "Codes, or a torch.nn.Module and inputs")
    modules = {name: part for name, part in model.named_modules() if name}
    if layer not in modules:
        raise ValueError(f"layer is {layer!r}; wanted the name of a module: {list(modules)}")
    with keeping_outputs(modules[layer]) as kept:
        codes, labels = codes_of(model, inputs, labels, layers=layer, **options)
    if len(codes.layers) > 1:
        raise ValueError(f"layer {layer!r} runs {len(codes.layers)} times in a pass; wanted once")
    return codes, torch.cat(kept), labels

"""Reading a language model's MLP block from a torch module."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..reading import UnsupportedNetworkError
from .block import Matrix, MlpBlock, Norm

_ACTIVATIONS = ("ReLU", "LeakyReLU", "GELU", "SiLU", "Mish", "QuickGELU", "NewGELU")
_NORMS = ("ln_2", "ln2", "post_attention_layernorm", "pre_feedforward_layernorm", "norm", "ln")
_MLPS = ("mlp", "feed_forward", "ff")
_FIRST = ("gate_proj", "w1", "c_fc", "dense_h_to_4h", "fc_in", "fc1", "up", "W_gate", "W_in")
_WANTED = (
    "wanted a Sequential of LayerNorm or RMSNorm, Linear and an activation, or a decoder block "
    f"with a norm ({', '.join(_NORMS)}) and an MLP ({', '.join(_MLPS)}) whose first linear map is "
    f"one of {', '.join(_FIRST)}; else build MlpBlock(Norm(...), weight, bias)"
)


def read_block(module: nn.Module, name: str = "pre") -> MlpBlock:
    """Read the norm and the first linear map of a transformer's MLP block.

    Parameters
    ----------
    module : torch.nn.Module
        Either a Sequential: LayerNorm or RMSNorm (or none), Linear, an activation, and whatever
        follows. Or a decoder block of Hugging Face or TransformerLens shape, by its attributes:
        GPT-2 (``ln_2``, ``mlp.c_fc``), GPT-NeoX (``post_attention_layernorm``,
        ``mlp.dense_h_to_4h``), Llama and Mistral (``post_attention_layernorm``, ``mlp.gate_proj``),
        Gemma (``pre_feedforward_layernorm``), TransformerLens (``ln2``, ``mlp.W_in``). Of a gated
        MLP the gate is read.
    name : str
        The layer's name in codes.

    Returns
    -------
    block : MlpBlock
        Segments are those of the residual stream where it enters the norm.

    Raises
    ------
    UnsupportedNetworkError : (a ValueError) a module of another shape; what was found, what to do.
    TypeError : module is no torch.nn.Module.

    Notes
    -----
    Nothing is imported from those libraries. A norm whose class name says Gemma has gain 1 + w.

    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; wanted a torch.nn.Module")
    if isinstance(module, nn.Sequential):
        norm, linear = _of_sequential(module)
    else:
        norm, linear = _of_decoder(module)
    weight, bias = _weight_of(linear)
    return MlpBlock(_norm_of(norm) if norm is not None else Norm(), weight, bias, name)


def _of_sequential(module: nn.Sequential) -> tuple[nn.Module | None, Any]:
    """Return (norm, linear) of a chain; what comes after the activation does not matter."""
    parts = [part for part in module if not isinstance(part, nn.Dropout | nn.Identity)]
    norm = parts.pop(0) if parts and not isinstance(parts[0], nn.Linear) else None
    names = [type(part).__name__ for part in parts]
    if not parts or not isinstance(parts[0], nn.Linear):
        raise UnsupportedNetworkError(f"the Sequential has {_listed(module)}; {_WANTED}")
    if len(parts) > 1 and not any(names[1].startswith(known) for known in _ACTIVATIONS):
        raise UnsupportedNetworkError(
            f"{names[1]} follows the Linear, which has no boundary at z = 0; {_WANTED}"
        )
    return norm, parts[0]


def _of_decoder(module: nn.Module) -> tuple[nn.Module, Any]:
    """Return (norm, linear) of a decoder block, by the names of its parts."""
    norm = _first_of(module, _NORMS)
    mlp = _first_of(module, _MLPS)
    linear = _first_of(mlp, _FIRST) if mlp is not None else None
    if norm is None or mlp is None or linear is None:
        found = f"{type(module).__name__} has {_listed(module)}"
        raise UnsupportedNetworkError(f"{found}; {_WANTED}")
    # TransformerLens keeps parameters, not modules: `W_in` goes with `b_in`.
    return norm, linear if isinstance(linear, nn.Module) else mlp


def _first_of(module: Any, names: tuple[str, ...]) -> Any:
    found = (getattr(module, name, None) for name in names)
    return next((part for part in found if isinstance(part, nn.Module | Tensor)), None)


def _listed(module: nn.Module) -> str:
    return ", ".join(f"{key}: {type(part).__name__}" for key, part in module.named_children())


def _weight_of(linear: Any) -> tuple[Matrix, Matrix | None]:
    """Return weight (units, width) and bias of a linear map, however it is stored."""
    if isinstance(linear, nn.Linear):
        return _array(linear.weight), None if linear.bias is None else _array(linear.bias)
    if type(linear).__name__ == "Conv1D":  # GPT-2's: weight (width, units)
        return _array(linear.weight.T), _array(linear.bias)
    gated = getattr(linear, "W_gate", None)
    if gated is not None:
        return _array(gated.T), None
    if getattr(linear, "W_in", None) is not None:
        return _array(linear.W_in.T), _array(linear.b_in)
    raise UnsupportedNetworkError(f"{type(linear).__name__} is no linear map known here; {_WANTED}")


def _norm_of(norm: nn.Module) -> Norm:
    """Return a norm by its class: the layer norms and RMS norms of torch and of Hugging Face."""
    kind = type(norm).__name__
    eps = _eps_of(norm)
    gain, shift = _parameter(norm, "weight", "w"), _parameter(norm, "bias", "b")
    if isinstance(norm, nn.LayerNorm) or kind in ("LayerNorm", "LayerNormPre"):
        return Norm("layer", eps, gain, shift)
    if "RMSNorm" in kind or kind.startswith("RMS"):
        if "Gemma" in kind and gain is not None:
            gain = 1 + gain.astype(np.float64)
        return Norm("rms", eps, gain, shift)
    raise UnsupportedNetworkError(f"{kind} comes before the linear map; {_WANTED}")


def _eps_of(norm: nn.Module) -> float:
    for name in ("eps", "variance_epsilon", "epsilon"):
        value = getattr(norm, name, None)
        if isinstance(value, float | int):
            return float(value)
    if isinstance(norm, nn.RMSNorm):  # None: that of the dtype
        weight = norm.weight
        return float(torch.finfo(weight.dtype if weight is not None else torch.float32).eps)
    raise UnsupportedNetworkError(f"{type(norm).__name__} has no eps; {_WANTED}")


def _parameter(norm: nn.Module, *names: str) -> Matrix | None:
    for name in names:
        value = getattr(norm, name, None)
        if isinstance(value, Tensor):
            return _array(value)
    return None


def _array(values: Tensor) -> Matrix:
    """Return parameters in float64, exactly; MlpBlock narrows what float32 holds."""
    array: Matrix = values.detach().to("cpu", torch.float64).contiguous().numpy()
    return array

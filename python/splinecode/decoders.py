"""The shapes of language models' decoder blocks: where their MLPs keep the first linear map.

Told by names of attributes; nothing is imported from the libraries that define them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

SHAPES = (
    ("ln_2", "mlp.c_fc"),  # GPT-2, GPT-Neo
    ("post_attention_layernorm", "mlp.dense_h_to_4h"),  # GPT-NeoX, Pythia, BLOOM
    ("pre_feedforward_layernorm", "mlp.gate_proj"),  # Gemma 2 and 3: they have the next one too
    ("post_attention_layernorm", "mlp.gate_proj"),  # Llama, Mistral, Qwen 2 and 3, Gemma
    ("ffn_norm", "feed_forward.w1"),  # Llama as released
    ("ln2", "mlp.W_gate"),  # TransformerLens
    ("ln2", "mlp.W_in"),
)
"""The norm that an MLP reads, and its first linear map: that of the gate where there is one. What
the map gives is the pre-activation."""

_AT_ZERO = ("relu", "gelu", "silu", "swish", "mish", "elu", "softplus")
_NOT_AT_ZERO = ("relu6", "hard")
_ACTIVATION_NAMES = ("act", "act_fn", "activation_fn", "activation", "gelu_impl")


def shape_of(module: nn.Module) -> tuple[str, str] | None:
    """Return the names of norm and linear map of a decoder block, None for what is none."""
    for norm, linear in SHAPES:
        if isinstance(part_at(module, norm), nn.Module) and part_at(module, linear) is not None:
            return norm, linear
    return None


def decoder_linears(module: nn.Module) -> list[str]:
    """Return the names of the modules that are the first linear map of a decoder block's MLP.

    Of all blocks of a known shape, in order; none for other modules.
    """
    found = []
    for name, part in module.named_modules():
        shape = shape_of(part)
        if shape and isinstance(part_at(part, shape[1]), nn.Module):
            found.append(f"{name}.{shape[1]}" if name else shape[1])
    return found


def part_at(module: Any, name: str) -> nn.Module | Tensor | None:
    """Return a module or a parameter by its dotted name, or None."""
    for step in name.split("."):
        module = getattr(module, step, None)
    return module if isinstance(module, nn.Module | Tensor) else None


def activation_beside(module: nn.Module, linear: str) -> tuple[str, Any] | None:
    """Return the name and the activation of the MLP that holds a linear map, if one is found."""
    mlp = part_at(module, linear.rpartition(".")[0])
    for name in _ACTIVATION_NAMES:
        if callable(getattr(mlp, name, None)):
            return name, getattr(mlp, name)
    return None


def has_boundary_at_zero(activation: Any) -> bool:
    """Tell whether an activation, by its name, has its one boundary at z = 0."""
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    return not any(word in name for word in _NOT_AT_ZERO) and any(word in name for word in _AT_ZERO)

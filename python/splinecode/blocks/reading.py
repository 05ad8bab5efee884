"""Finding a language model's MLP block in a torch module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from torch import Tensor, nn

from ..decoders import SHAPES, activation_beside, has_boundary_at_zero, part_at, shape_of
from ..reading import UnsupportedNetworkError
from .block import Matrix, MlpBlock, Norm
from .parts import array, read_linear, read_norm

_DO = "name its parts, read_block(module, norm='...', linear='...'), or build an MlpBlock"


def read_block(
    module: nn.Module, name: str = "pre", *, norm: str | None = None, linear: str | None = None
) -> MlpBlock:
    """Read the norm and the first linear map of a transformer's MLP block.

    Parameters
    ----------
    module : torch.nn.Module
        Either a Sequential: LayerNorm or RMSNorm (or none), Linear, an activation with its boundary
        at z = 0, and linear maps after it. Or a decoder block of Hugging Face or TransformerLens
        shape, by its attributes: GPT-2 (``ln_2``, ``mlp.c_fc``), GPT-NeoX
        (``post_attention_layernorm``, ``mlp.dense_h_to_4h``), Llama and Mistral
        (``post_attention_layernorm``, ``mlp.gate_proj``), Gemma 2 (``pre_feedforward_layernorm``),
        TransformerLens (``ln2``, ``mlp.W_in``). Of a gated MLP the gate is read.
    name : str
        The layer's name in codes.
    norm, linear : str, optional
        Names of the two parts within another module, such as ``"ln_1"`` and ``"mlp.fc_in"``; with
        `linear` alone there is no norm. That the one feeds the other is then yours to know.

    Returns
    -------
    block : MlpBlock
        Segments are those of the residual stream where it enters the norm.

    Raises
    ------
    UnsupportedNetworkError : (a ValueError) a module of another shape, an activation with another
        boundary, or anything beyond it; what was found, what to do.
    TypeError : module is no torch.nn.Module.

    Notes
    -----
    Nothing is imported from those libraries. Which norm it is, and whether its gain is w or 1 + w,
    is told by running it on a few rows.

    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; wanted a torch.nn.Module")
    if norm is not None and linear is None:
        raise ValueError(f"norm is {norm!r}, but linear is not given; wanted the names of both")
    if linear is None and isinstance(module, nn.Sequential):
        norm, linear = _in_sequential(module)
    elif linear is None:
        norm, linear = _in_decoder(module)
    weight, bias = _weights_at(module, linear)
    if norm is None:
        return MlpBlock(Norm(), weight, bias, name)
    part = part_at(module, norm)
    if not isinstance(part, nn.Module):
        raise UnsupportedNetworkError(f"there is no module {norm!r} in {_listed(module)}; {_DO}")
    return MlpBlock(read_norm(part, weight.shape[1], norm), weight, bias, name)


def _in_sequential(module: nn.Sequential) -> tuple[str | None, str]:
    """Return the names of norm and linear map in a chain that ends at one activation."""
    chain = list(_chain(module))
    norm = None
    if chain and not isinstance(chain[0][1], nn.Linear):
        norm = chain.pop(0)[0]
    if not chain or not isinstance(chain[0][1], nn.Linear):
        raise UnsupportedNetworkError(
            f"{_listed(module)}; wanted LayerNorm or RMSNorm (or none), Linear, activation. A "
            "linear map before the norm keeps segments straight: apply it to their ends"
        )
    if len(chain) > 1:
        _need_boundary_at_zero(chain[1][1], chain[1][0])
    for name, part in chain[2:]:
        if not isinstance(part, nn.Linear):
            raise UnsupportedNetworkError(
                f"{type(part).__name__} at {name!r} lies beyond the activation at {chain[1][0]!r}; "
                "crossings through a norm are exact up to the first activation alone: read the "
                "modules up to it"
            )
    return norm, chain[0][0]


def _chain(module: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the parts of nested Sequentials that do something in evaluation mode, by name."""
    for key, part in module.named_children():
        if isinstance(part, nn.Sequential):
            yield from _chain(part, f"{prefix}{key}.")
        elif not isinstance(part, nn.Dropout | nn.Identity):
            yield prefix + key, part


def _in_decoder(module: nn.Module) -> tuple[str, str]:
    """Return the names of norm and linear map in a decoder block of a known shape."""
    found = shape_of(module)
    if found is None:
        raise UnsupportedNetworkError(_no_block(module))
    norm, linear = found
    if norm.startswith("post_") and hasattr(module, "post_feedforward_layernorm"):
        raise UnsupportedNetworkError(
            f"{norm!r} beside a post_feedforward_layernorm comes after attention, as in OLMo 2, "
            "and the MLP reads the residual stream without a norm: "
            f"read_block(module, linear={linear!r})"
        )
    beside = activation_beside(module, linear)
    if beside is not None:
        _need_boundary_at_zero(beside[1], beside[0])
    return found


def _no_block(module: nn.Module) -> str:
    """Say what a module is that has no shape known here, and what to do."""
    inside = [name for name, part in module.named_modules() if shape_of(part)]
    if inside:
        return (
            f"{type(module).__name__} holds {len(inside)} decoder blocks, and crossings are exact "
            f"through the norm of one alone; read module.get_submodule({inside[0]!r}), or another"
        )
    known = ", ".join(f"{norm} + {linear}" for norm, linear in SHAPES)
    return f"{_listed(module)}; wanted one of {known}: {_DO}"


def _need_boundary_at_zero(activation: Any, place: str) -> None:
    if not has_boundary_at_zero(activation):
        raise UnsupportedNetworkError(
            f"{type(activation).__name__} follows the linear map, at {place!r}; wanted an "
            "activation with its one boundary at z = 0, such as ReLU, GELU or SiLU"
        )


def _weights_at(module: nn.Module, linear: str) -> tuple[Matrix, Matrix | None]:
    """Return weight (units, width) and bias; TransformerLens keeps tensors (width, units)."""
    part = part_at(module, linear)
    if isinstance(part, nn.Module):
        return read_linear(part, linear)
    if isinstance(part, Tensor) and part.ndim == 2:
        bias = part_at(module, f"{linear.rpartition('.')[0]}.b_in")
        has_bias = linear.endswith("W_in") and isinstance(bias, Tensor)
        return array(part.T), array(cast(Tensor, bias)) if has_bias else None
    raise UnsupportedNetworkError(f"there is no linear map {linear!r} in {_listed(module)}; {_DO}")


def _listed(module: nn.Module) -> str:
    parts = ", ".join(f"{key}: {type(part).__name__}" for key, part in module.named_children())
    return f"the {type(module).__name__} has {parts or 'no parts'}"

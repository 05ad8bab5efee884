"""Language models: where their pre-activations are, and how they are called.

| model                                       | layer found by default        | it is       |
|---------------------------------------------|-------------------------------|-------------|
| GPT-2, GPT-Neo                              | ``h.0.mlp.c_fc``              | the MLP's   |
| GPT-NeoX, Pythia, BLOOM                     | ``layers.0.mlp.dense_h_to_4h``| the MLP's   |
| Llama, Mistral, Qwen 2 and 3, Gemma 1 to 3  | ``layers.0.mlp.gate_proj``    | the gate's  |
| Llama as released                           | ``layers.0.feed_forward.w1``  | the gate's  |
| TransformerLens: if it has one              | ``blocks.0.mlp.gate.hook_out``| the gate's  |
| or else                                     | ``blocks.0.mlp.in.hook_out``  | the MLP's   |
| or else, as in versions before 4            | ``blocks.0.mlp.hook_pre``     | either      |
| others, such as OPT, BERT, ViT, Falcon, Phi | their activation modules      | its input   |

The MLP's: what its activation takes. The gate's: what the activation of the gate takes, in
``act(gate) * up``; ``up`` has no boundary.

Hugging Face's decoders are told by the attributes that `splinecode.decoders` lists, models of
TransformerLens by their ``hook_dict``, all of whose names can be given as layers. A
`TransformerBridge` of version 4 has ``blocks.0.mlp.in.hook_out``, for which
``blocks.0.mlp.hook_pre`` is another name (for the gate's, where there is one): in 4.3 always, in
compatibility mode or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from ..decoders import activation_beside, decoder_linears, has_boundary_at_zero

_HOOKS = ("gate.hook_out", "in.hook_out", "hook_pre")
_BLOCK_HOOK = re.compile(rf"(?P<mlp>blocks\.\d+\.mlp)\.(?P<hook>{'|'.join(_HOOKS)})")


def hook_points(model: nn.Module) -> dict[str, nn.Module]:
    """Return the hook points of a model of TransformerLens by name; none for another model."""
    hooks = getattr(model, "hook_dict", None)
    return dict(hooks) if isinstance(hooks, Mapping) else {}


def mlp_hooks(hooks: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Return the hook point of each block's pre-activations."""
    best: dict[str, str] = {}
    for name in hooks:
        found = _BLOCK_HOOK.fullmatch(name)
        if found is None:
            continue
        mlp, rank = found["mlp"], _HOOKS.index(found["hook"])
        if mlp not in best or rank < _HOOKS.index(best[mlp]):
            best[mlp] = found["hook"]
    return {f"{mlp}.{hook}": hooks[f"{mlp}.{hook}"] for mlp, hook in best.items()}


def mlp_maps(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules that give the pre-activations of a model's decoder blocks, by name.

    Raises ValueError for a block whose activation has another boundary than z = 0.
    """
    maps = decoder_linears(model)
    for place in maps:
        beside = activation_beside(model, place)
        if beside is not None and not has_boundary_at_zero(beside[1]):
            raise ValueError(
                f"{type(beside[1]).__name__} follows {place!r}: it has no code of one bit a unit; "
                "name the layers to capture with layers="
            )
    return {place: model.get_submodule(place) for place in maps}


def call(run: Callable[..., Any], model: nn.Module, arguments: Any) -> None:
    """Run a model on a batch: a tensor, or named ones as a tokenizer gives them."""
    if not isinstance(arguments, Mapping):
        run(arguments)
        return
    named = dict(arguments)
    if hook_points(model) and "input_ids" in named:
        run(named.pop("input_ids"), **named)  # TransformerLens has another name for it
    else:
        run(**named)

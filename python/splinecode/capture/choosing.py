"""Choosing the modules to capture from."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..layer_names import may_match
from .activations import NOT_CAPTURED, is_activation
from .families import hook_points, mlp_hooks, mlp_maps

_SHOWN = 40


def chosen_modules(model: nn.Module, layers: str | Sequence[str] | None) -> dict[str, nn.Module]:
    """Return the modules that match, or those with pre-activations, by name.

    A glob of one run, ``relu#2``, chooses its module: which run it is shows as it runs.

    Raises ValueError where nothing does, or where a default would leave an activation out.
    """
    hooks = hook_points(model)
    if layers is not None:
        names = hooks | {
            name: part
            for name, part in model.named_modules()
            if (name or part is model) and not (hooks and "_original_component" in name)
        }
        return _matching(names, layers)
    found = mlp_hooks(hooks) if hooks else _pre_activations(model)
    if not found:
        raise ValueError(
            "model has no activation module (functional activations cannot be "
            "found): name the modules before them with layers="
        )
    return found


def _pre_activations(model: nn.Module) -> dict[str, nn.Module]:
    """Return the decoders' linear maps, and the activation modules outside of their MLPs."""
    maps = mlp_maps(model)
    mlps = tuple(f"{name.rpartition('.')[0]}." for name in maps)
    found: dict[str, nn.Module] = {}
    for name, part in model.named_modules():
        if name in maps:
            found[name] = part
        elif name.startswith(mlps) if mlps else False:
            continue
        elif isinstance(part, NOT_CAPTURED):
            raise ValueError(
                f"{type(part).__name__} at {name!r} has no code of one bit a unit; "
                "name the layers to capture with layers="
            )
        elif is_activation(part):
            found[name] = part
    return found


def _matching(named: dict[str, nn.Module], layers: str | Sequence[str]) -> dict[str, nn.Module]:
    chosen: dict[str, nn.Module] = {}
    for pattern in [layers] if isinstance(layers, str) else layers:
        matching = {name: part for name, part in named.items() if may_match(name, pattern)}
        if not matching:
            listed = [*list(named)[:_SHOWN], *(["..."] if len(named) > _SHOWN else [])]
            raise ValueError(f"layers: no module matches {pattern!r}; there are {listed}")
        others = {name: part for name, part in chosen.items() if name not in matching}
        taken = {id(part) for part in others.values()}
        # A hook point of TransformerLens may have two names.
        for name, part in matching.items():
            if id(part) not in taken:
                chosen[name] = part
                taken.add(id(part))
    return chosen

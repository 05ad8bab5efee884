"""Making a graph of nodes shorter without changing what it computes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import torch
from torch import Tensor

from ..network import Node
from ..steps import Conv, Linear, Scale, Sparse, Step, Sum


def simplified(nodes: list[Node], output: int) -> list[Node]:
    """Return the nodes that an output needs, the input first and the output last.

    A Scale is folded into the affine step before it, and a Sum into the Sum after it, where
    nothing else takes that step's output. A Scale that changes nothing is left out.
    """
    nodes = list(nodes)
    uses = Counter(source for i in _needed(nodes, output) for source in nodes[i].inputs)
    uses[output] += 1
    same: dict[int, int] = {}  # nodes that compute nothing, and what they are
    for i in _needed(nodes, output):
        node = replace(nodes[i], inputs=tuple(same.get(j, j) for j in nodes[i].inputs))
        nodes[i] = node
        if isinstance(node.step, Scale):
            source = node.inputs[0]
            if i != output and _changes_nothing(node.step):
                same[i] = source
                uses[source] += uses[i] - 1
                continue
            folded = _folded(nodes[source].step, node.step) if uses[source] == 1 else None
            if folded is not None:
                nodes[i] = Node(folded, nodes[source].inputs, nodes[source].name, node.shape)
        elif isinstance(node.step, Sum):
            spread = (_terms(nodes, j) if uses[j] == 1 else (j,) for j in node.inputs)
            nodes[i] = replace(node, inputs=tuple(j for terms in spread for j in terms))
    kept = _needed(nodes, output)
    number = {i: place for place, i in enumerate(kept)}
    return [replace(nodes[i], inputs=tuple(number[j] for j in nodes[i].inputs)) for i in kept]


def _needed(nodes: list[Node], output: int) -> list[int]:
    """Return the input and the nodes that the output depends on, in order."""
    needed = {0, output}
    for i in range(output, 0, -1):
        if i in needed:
            needed.update(nodes[i].inputs)
    return sorted(needed)


def _terms(nodes: list[Node], i: int) -> tuple[int, ...]:
    return nodes[i].inputs if isinstance(nodes[i].step, Sum) else (i,)


def _changes_nothing(step: Scale) -> bool:
    return bool((step.scale == 1).all()) and not bool(step.shift.any())


def _folded(before: Step, step: Scale) -> Step | None:
    """Return a step that does `before` and then the Scale, or None where there is none."""
    if isinstance(before, Scale):
        return Scale(before.scale * step.scale, before.shift * step.scale + step.shift)
    if isinstance(before, Sparse):
        row = torch.repeat_interleave(before.offsets.diff())
        weights = before.weights * step.scale[row]
        return replace(before, weights=weights, bias=before.bias * step.scale + step.shift)
    if isinstance(before, Linear):  # one scale for each row of the matrix, the same in all runs
        scale, shift = (_shared(some.reshape(-1, len(before.bias)).T) for some in _of(step))
    elif isinstance(before, Conv):  # one scale for each channel
        scale, shift = (_shared(some.reshape(len(before.bias), -1)) for some in _of(step))
    else:
        return None
    if scale is None or shift is None:
        return None
    weight = before.weight * scale.reshape(-1, *(1,) * (before.weight.ndim - 1))
    return replace(before, weight=weight, bias=before.bias * scale + shift)


def _of(step: Scale) -> tuple[Tensor, Tensor]:
    return step.scale, step.shift


def _shared(values: Tensor) -> Tensor | None:
    """Return the value that all columns have in each row, if they have one."""
    return values[:, 0] if bool((values == values[:, :1]).all()) else None

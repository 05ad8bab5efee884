"""The activations of exported programs, whose inputs are pre-activations."""

from __future__ import annotations

from torch import fx

from ..reading.places import Places
from .calls import Call, function_name
from .program import Program

ACTIVATIONS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "RReLU": "rrelu",
    "ELU": "elu",
    "CELU": "celu",
    "SELU": "selu",
    "GELU": "gelu",
    "SiLU": "silu",
    "Mish": "mish",
    "Softplus": "softplus",
}
"""Modules of torch.nn and their operators, whose input is a pre-activation."""

NOT_CAPTURED = {
    "ReLU6": "relu6",
    "Hardtanh": "hardtanh",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "Threshold": "threshold",
    "Softshrink": "softshrink",
    "Hardshrink": "hardshrink",
}
"""Piecewise activations with other thresholds than one at zero."""


def activations(program: Program, *, all_of_one_bit: bool) -> dict[fx.Node, tuple[str, fx.Node]]:
    """Return the nodes that activations begin with, their names, and the pre-activations.

    With `all_of_one_bit`, raises ValueError for an activation that has no code of one bit a unit.
    """
    places = Places(program)
    found: dict[fx.Node, tuple[str, fx.Node]] = {}
    begun: set[Call] = set()
    for node in program.nodes():
        if node.op != "call_function":
            continue
        calls, function = program.calls(node), function_name(node)
        kind = calls[-1].kind if calls and calls[-1].is_leaf else ""
        call = calls[-1] if kind in ACTIVATIONS else None
        if all_of_one_bit and (kind in NOT_CAPTURED or function in NOT_CAPTURED.values()):
            where = calls[-1].path if calls else node.name
            raise ValueError(
                f"{kind if kind in NOT_CAPTURED else function} at {where!r} has no code of one bit "
                "a unit; name the layers to capture with layers="
            )
        if call is None and function not in ACTIVATIONS.values():
            continue
        operand = _operand(program, node, call)
        if operand is None or call in begun:
            continue  # what else an activation is made of, in a program of core operators
        begun |= {call} if call is not None else set()
        places.at(calls, function)
        found[node] = places.name(), operand
    return found


def _operand(program: Program, node: fx.Node, call: Call | None) -> fx.Node | None:
    """Return what an activation takes: its first operand that is no weight or made in the call."""
    for operand in node.all_input_nodes:
        if operand.op != "get_attr" and (call is None or call not in program.calls(operand)):
            return operand
    return None

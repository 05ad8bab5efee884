"""A network laid out for the compiled sweep."""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from .. import steps
from .._core import SweepProgram
from ..network import Network, Node
from ..steps import Shape
from . import norms

_PROGRAMS: WeakKeyDictionary[Network, SweepProgram] = WeakKeyDictionary()


def program_of(network: Network) -> SweepProgram:
    """Return the network's program, kept as long as the network lives."""
    if network not in _PROGRAMS:
        program = SweepProgram()
        with torch.no_grad():
            for node in network.nodes:
                _add(program, network, node)
        program.finish()
        _PROGRAMS[network] = program
    return _PROGRAMS[network]


def _add(program: SweepProgram, network: Network, node: Node) -> None:
    """Add a node to the program; it gets the number that it has in the network."""
    inputs = list(node.inputs)
    units = [network.nodes[i].units for i in inputs]
    match node.step:
        case steps.Input():
            program.add_input(node.units)
        case steps.Gather() as step:
            program.add_view(inputs, array_of(step.index))
        case steps.Concat():
            program.add_view(inputs, np.arange(sum(units)))
        case steps.Linear() as step:
            runs = units[0] // step.weight.shape[1]
            bound = norms.linear_norms(step, runs)
            program.add_linear(inputs[0], array_of(step.weight), array_of(step.bias), bound)
        case steps.Conv() as step:
            _add_conv(program, inputs[0], step)
        case steps.Scale() as step:
            bound = norms.scale_norms(step)
            program.add_scale(inputs[0], array_of(step.scale), array_of(step.shift), bound)
        case steps.Sum():
            program.add_sum(inputs)
        case steps.Sparse() as step:
            _add_sparse(program, node, step, units[0])
        case steps.Pieces() as step:
            pieces = map(array_of, (step.thresholds, step.slopes, step.intercepts))
            program.add_pieces(inputs[0], *pieces)
        case steps.MaxWindows() as step:
            program.add_max(inputs[0], array_of(step.index))


def array_of(values: Tensor) -> np.ndarray[Any, Any]:
    """Return what the core takes of a step: a tensor's values in order, copied only if need be."""
    return np.ascontiguousarray(values.numpy())


def _add_conv(program: SweepProgram, node: int, step: steps.Conv) -> None:
    program.add_conv(
        node,
        array_of(step.weight),
        array_of(step.bias),
        [list(step.stride), list(step.padding), list(step.dilation)],
        list(step.input_shape),
        step.groups,
        norms.conv_norms(step),
    )


def _add_sparse(program: SweepProgram, node: Node, step: steps.Sparse, inputs: int) -> None:
    program.add_sparse(
        node.inputs[0],
        array_of(step.offsets),
        array_of(step.columns),
        array_of(step.weights),
        array_of(step.bias),
        _positions(node.shape),
        norms.sparse_norms(step, inputs),
    )


def _positions(shape: Shape) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Number units (channel, *spatial) by their position: those of one share a cell."""
    if len(shape) < 2:
        return np.zeros(math.prod(shape), np.int64)
    return np.tile(np.arange(math.prod(shape[1:])), shape[0])

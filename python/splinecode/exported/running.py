"""Running the graph of an exported program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx
from torch._ops import HigherOrderOperator

from .calls import BLOCKS, is_check
from .pieces import Piece


class Watch:
    """What is told of each node that runs; this one does nothing with it.

    A batch of another size than that of a program of a fixed one runs in pieces: `begin` tells of
    each, and `end` that all have run. One that fits runs without either.
    """

    def begin(self, piece: Piece) -> None:
        """See which inputs are about to run."""

    def end(self) -> None:
        """See that all pieces of a batch ran."""

    def before(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        """See a node that is about to run, and the values of those that ran."""

    def after(self, node: fx.Node, value: Any) -> None:
        """See what a node gives, before another may write into it."""


class Run(fx.Interpreter):
    """Runs a graph node by node, and tells `watch` of each.

    Guards and assertions do not run: they hold a program to shapes that it need not have.
    """

    def __init__(self, body: fx.GraphModule, watch: Watch) -> None:
        super().__init__(body)
        self.extra_traceback = False  # errors keep their words
        self._watch = watch

    def outputs(self, *inputs: Any) -> Any:
        """Return what the graph's output node holds, for values of its placeholders."""
        return self.run(*inputs, enable_io_processing=False)

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, if it is no check."""
        if is_check(n):
            return None
        self._watch.before(n, self.env)
        value = super().run_node(n)
        self._watch.after(n, value)
        return value

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run a function; the block under torch.no_grad or torch.autocast node by node too."""
        name = target.name() if isinstance(target, HigherOrderOperator) else ""
        if name == BLOCKS[0]:
            _, block, *inputs = args
            return Run(block, self._watch).outputs(*inputs)
        if name == BLOCKS[1]:
            device_type, dtype, enabled, cache_enabled, block, *inputs = args
            with torch.autocast(device_type, dtype, enabled, cache_enabled):
                return Run(block, self._watch).outputs(*inputs)
        return super().call_function(target, args, kwargs)

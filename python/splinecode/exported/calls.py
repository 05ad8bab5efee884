"""Nodes of exported graphs: what they call, and in which modules they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx
from torch._ops import HigherOrderOperator

BLOCKS = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
"""Operators that run one block of operators, once."""


@dataclass(frozen=True)
class Call:
    """A module being run for the `run`-th time."""

    path: str
    run: int
    kind: str
    is_leaf: bool  # a module of torch.nn without parts: what it computes goes by its name

    def numbered(self, name: str) -> str:
        """Return the name of something in this call: "name#2" in the second run."""
        return name if self.run == 1 else f"{name}#{self.run}"


def calls_of(body: fx.GraphModule) -> dict[fx.Node, tuple[Call, ...]]:
    """Return the modules that each node ran in, outermost first, as torch.export notes them.

    The root is left out, and so are nodes that ran in nothing else.
    """
    stacks = {
        node: {key: entry for key, entry in stack.items() if entry[0]}
        for node in nodes_of(body)
        if (stack := node.meta.get("nn_module_stack")) and not is_check(node)
    }
    paths = {path for stack in stacks.values() for path, _ in stack.values()}
    parents = {path[:end] for path in paths for end, sign in enumerate(path) if sign == "."}
    made: dict[str, Call] = {}
    runs: Counter[str] = Counter()
    for stack in stacks.values():
        for key, (path, kind) in stack.items():
            if key not in made:  # "act", then "act@1", ... for further runs
                runs[path] += 1
                name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
                is_leaf = name.startswith("torch.nn.") and path not in parents
                made[key] = Call(path, runs[path], name.rpartition(".")[2], is_leaf)
    return {node: tuple(made[key] for key in stack) for node, stack in stacks.items()}


def nodes_of(body: fx.GraphModule) -> Iterator[fx.Node]:
    """Yield all nodes, those of blocks (torch.no_grad) where these run."""
    for node in body.graph.nodes:
        block = getattr(body, str(node.target), None) if node.op == "get_attr" else None
        if isinstance(block, fx.GraphModule):
            yield from nodes_of(block)
        yield node


def is_check(node: fx.Node) -> bool:
    """Tell whether a node is a guard or an assertion: it gives nothing and writes nothing."""
    if node.op == "call_module":
        return node.target == "_guards_fn"
    schema = getattr(node.target, "_schema", None)
    return schema is not None and not schema.returns and not schema.is_mutable


def is_control_flow(node: fx.Node) -> bool:
    """Tell whether a node runs one of several blocks, or one of them often: torch.cond and such."""
    return isinstance(node.target, HigherOrderOperator) and node.target.name() not in BLOCKS


def function_name(node: fx.Node) -> str:
    """Return the name of the function that a node calls: "relu" for aten.relu_.default."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return str(getattr(node.target, "__name__", node.target))
    return str(schema.name).split("::")[1].strip("_")

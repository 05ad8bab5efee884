"""The part of a network between two of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from .steps import Input

if TYPE_CHECKING:
    from .network import Node


def restricted(nodes: Sequence[Node], start: str | None, stop: str | None) -> list[Node]:
    """Return the nodes that lead from `start` to `stop`; see `Network.restrict`."""
    first = 0 if start is None else node_named(nodes, start, "start")
    last = len(nodes) - 1 if stop is None else node_named(nodes, stop, "stop")
    after = _nodes_after(nodes, first)
    if last not in after:
        raise ValueError(
            f"no path leads from start {start!r} to stop {nodes[last].name!r}; "
            "wanted a stop that depends on start"
        )
    kept = _nodes_between(nodes, first, last)
    around = [
        (j, i) for i in after - {first} if i in kept for j in nodes[i].inputs if j not in after
    ]
    if around:
        passing, to = (nodes[i].name for i in min(around))
        raise ValueError(
            f"start {start!r} is no cut of the network: {passing!r} goes around it to {to!r}; "
            "wanted a node that every path to the output runs through"
        )
    place = {old: new for new, old in enumerate(kept)}
    return [
        replace(nodes[first], step=Input(), inputs=()),
        *(replace(nodes[i], inputs=tuple(place[j] for j in nodes[i].inputs)) for i in kept[1:]),
    ]


def node_named(nodes: Sequence[Node], name: str, argument: str) -> int:
    """Return the last node of a name; `argument` is what an error calls the name."""
    if not isinstance(name, str):
        raise TypeError(f"{argument} is a {type(name).__name__}; wanted the name of a node, a str")
    names = [node.name for node in nodes]
    if name in names:
        return len(names) - 1 - names[::-1].index(name)
    near = ", ".join(map(repr, get_close_matches(name, dict.fromkeys(names))))
    raise ValueError(
        f"{argument} is {name!r}, which is the name of no node; "
        + (f"near it: {near}" if near else "Network.summary() lists them")
    )


def _nodes_after(nodes: Sequence[Node], first: int) -> set[int]:
    """Return `first` and the nodes that depend on it."""
    after = {first}
    for i in range(first + 1, len(nodes)):
        if not after.isdisjoint(nodes[i].inputs):
            after.add(i)
    return after


def _nodes_between(nodes: Sequence[Node], first: int, last: int) -> list[int]:
    """Return what `last` needs once `first` is known, both among them, in order."""
    needed = {first, last}
    for i in range(last, 0, -1):
        if i in needed and i != first:
            needed.update(nodes[i].inputs)
    return sorted(needed)

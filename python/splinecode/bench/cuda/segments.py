"""Exact crossings on the card: wide nets, many segments, one segment of a whole ResNet-18.

Ours is held to, and timed beside, the CPU engine and the plain sweep in torch on the card, where
these can do the work or a part of it. Shares of the limits "f64" and "f32" are those of the plain
sweep's products: what chords and receptive fields save counts as speed. Of a ResNet the proven
bounds say nothing: they grow with every layer.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from ... import crossings, get_threads, reference
from ...network import Network
from ...segments import Crossings
from ...segments.gpu import chords
from ..case import Baseline, Case, Rate
from ..nets import Net, Read, make_net, make_resnet
from ..resnet import Sizes
from ..segments import Events, plain_products
from ..timing import Call
from .crossed import Crossed, difference, need_alike, need_same
from .place import Place

GROUP = "segments"
_MAX_MEMORY = 32 << 30

Compare = Callable[[Crossed, Crossed], str]


@dataclass(frozen=True)
class _Mlp:
    """Segments of a net; of how many the baselines do the work, if not of all."""

    widths: tuple[int, ...]
    segments: int
    by_torch: int = sys.maxsize
    by_cpu: int = sys.maxsize
    dtype: torch.dtype = torch.float64


@dataclass(frozen=True)
class _Resnet:
    """A ResNet, and parts of its segment.

    One is swept beside the CPU, the whole is held to the CPU on another, and before a whole segment
    is begun that would take longer than the most seconds, one tells: the cases after it are to be
    measured as well.
    """

    sizes: Sizes
    beside: float
    checked: float
    tried: float
    most_seconds: float


_WIDEST = _Mlp((784, *6 * (4096,), 10), 64, by_cpu=2)
_MLPS = (
    _Mlp(_WIDEST.widths, 64, by_cpu=1, dtype=torch.float32),
    _Mlp((784, *6 * (1024,), 10), 64),
    _Mlp((784, *4 * (256,), 10), 1024, by_torch=64),
    _Mlp((2, 64, 64, 64, 1), 10_000, by_torch=100),
)
_RESNET = _Resnet(Sizes(), 1 / 256, 1 / 4096, 1 / 16, most_seconds=90)
_QUICK_RESNET = _Resnet(Sizes((1, 1), 2, 3, 16), 1 / 4, 1 / 4, 1 / 16, math.inf)


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called: the most telling ones first."""
    mlps: tuple[_Mlp, ...] = _MLPS
    widest, resnet = _WIDEST, _RESNET
    if quick:
        widest, resnet = _Mlp((6, 12, 12, 3), 3, by_torch=2, by_cpu=2), _QUICK_RESNET
        mlps = (_Mlp(widest.widths, 3, dtype=torch.float32),)
    return [
        partial(_mlp_case, place, widest),
        partial(_resnet_part, place, resnet),
        partial(_whole_resnet, place, resnet),
        *(
            partial(_mlp_case, place, mlp)
            for mlp in mlps
            if place.device.type == "cuda" or mlp.dtype == torch.float64
        ),
    ]


# --- nets -------------------------------------------------------------------------------------


def _mlp_case(place: Place, mlp: _Mlp) -> Case:
    net = make_net(mlp.widths, mlp.segments)
    a, b = net.a.to(place.device), net.b.to(place.device)
    call = partial(crossings, net.network, a, b, precision=_name(mlp.dtype))
    found, peak = place.peak(call)
    compare = need_same if mlp.dtype == torch.float64 else difference
    return _case(
        f"crossings of {mlp.segments:,} segments of {net.name}, {_name(mlp.dtype)}",
        net,
        call,
        (found, peak),
        mlp.dtype,
        (
            _torch_baseline(net, (a, b), mlp),
            _chords_baseline(call, mlp, compare),
            _cpu_baseline(net, mlp.by_cpu, compare),
        ),
    )


def _torch_baseline(net: Net, ends: tuple[Tensor, Tensor], mlp: _Mlp) -> Baseline:
    chosen = range(min(mlp.by_torch, mlp.segments))
    model = net.double if mlp.dtype == torch.float64 else net.single
    model = copy.deepcopy(model).to(ends[0].device)
    a, b = (end[: len(chosen)].to(mlp.dtype) for end in ends)
    compare = need_alike if mlp.dtype == torch.float64 else difference
    return Baseline(
        f"torch {_name(mlp.dtype)}, one by one{_part(len(chosen), mlp.segments)}",
        partial(_one_by_one, model, a, b),
        lambda ours, theirs: compare(Crossed.of(ours, chosen), Crossed.of_plain(theirs)),
        mlp.segments / len(chosen),
    )


def _cpu_baseline(read: Read, most: int, compare: Compare) -> Baseline:
    segments = len(read.a)
    chosen = range(0, segments, -(-segments // most))
    a, b = (end[list(chosen)] for end in (read.a, read.b))
    return Baseline(
        f"ours on the CPU, float64, {get_threads()} threads{_part(len(chosen), segments)}",
        partial(crossings, read.network, a, b),
        lambda ours, theirs: compare(Crossed.of(ours, chosen), Crossed.of(theirs)),
        segments / len(chosen),
    )


def _part(some: int, every: int) -> str:
    return f" ({some} of them, {every / some:g} times)" if some < every else ""


def _one_by_one(model: nn.Sequential, a: Tensor, b: Tensor) -> list[Events]:
    return [reference.exact_crossings(model, *ends) for ends in zip(a, b, strict=True)]


def _chords_baseline(call: Call, mlp: _Mlp, compare: Compare) -> Baseline:
    """Do as ours does not: without chords where it takes them, with them where it does not."""
    takes_them = max(mlp.widths[1:-1]) >= chords.LEAST_WIDTH

    def otherwise() -> Any:
        with _chords_from(sys.maxsize if takes_them else 0):
            return call()

    return Baseline(
        f"ours {'without' if takes_them else 'with'} chords",
        otherwise,
        lambda ours, theirs: compare(Crossed.of(ours), Crossed.of(theirs)),
    )


@contextmanager
def _chords_from(width: int) -> Iterator[None]:
    """Let cells as wide as that take chords, and narrower ones none."""
    before = chords.LEAST_WIDTH
    chords.LEAST_WIDTH = width
    try:
        yield
    finally:
        chords.LEAST_WIDTH = before


# --- a ResNet ---------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _read(sizes: Sizes) -> Read:
    """Read a ResNet, or return the last one if it was the same."""
    return make_resnet(sizes)


def _resnet_part(place: Place, resnet: _Resnet) -> Case:
    part = _first(_read(resnet.sizes), resnet.beside)
    call = _sweep(place, part)
    return _case(
        f"crossings of the first {resnet.beside:.2%} of a segment of {part.name}, float64",
        part,
        call,
        place.peak(call),
        torch.float64,
        (_cpu_baseline(part, 1, need_alike),),
    )


def _whole_resnet(place: Place, resnet: _Resnet) -> Case:
    read = _read(resnet.sizes)
    _need_soon(place, read, resnet)
    call = _sweep(place, read)

    def check(ours: Crossings) -> None:
        part = _first(read, resnet.checked)
        theirs = crossings(part.network, part.a, part.b)
        need_alike(Crossed.of(ours).first_part(resnet.checked), Crossed.of(theirs))

    return _case(
        f"crossings of a segment of {read.name}, float64",
        read,
        call,
        place.peak(call),
        torch.float64,
        (),
        check,
    )


def _first(read: Read, share: float) -> Read:
    """Return the first part of segments."""
    return replace(read, b=read.a + share * (read.b - read.a))


def _sweep(place: Place, read: Read) -> Call:
    ends = (end.to(place.device) for end in (read.a, read.b))
    return partial(crossings, read.network, *ends, max_memory=min(_MAX_MEMORY, place.bytes))


def _need_soon(place: Place, read: Read, resnet: _Resnet) -> None:
    """Raise RuntimeError if a whole segment would take too long, by a part of it."""
    _sweep(place, _first(read, resnet.checked))()  # the network's layout is made now
    seconds = place.stopwatch(_sweep(place, _first(read, resnet.tried)), 1) / resnet.tried
    if seconds > resnet.most_seconds:
        raise RuntimeError(
            f"a segment of {read.name} was not begun: by its first {resnet.tried:.2%} it would "
            f"take {seconds:.0f} s"
        )


# --- cases ------------------------------------------------------------------------------------


def _case(
    title: str,
    read: Read,
    call: Call,
    found: tuple[Crossings, int | None],
    dtype: torch.dtype,
    beside: Sequence[Baseline],
    check: Callable[[Any], None] | None = None,
) -> Case:
    answer, peak = found
    memory = {} if peak is None else {"peak_bytes": peak}
    count = len(answer.t)
    return Case(
        GROUP,
        title if peak is None else f"{title}, {peak / 1e9:.2f} GB at peak",
        {"net": read.name, "segments": len(read.a), "crossings": count, **memory},
        call,
        tuple(beside),
        Rate(count / 1e6, "M crossings/s"),
        check=check,
        needs=_needs(read.network, answer, dtype),
        found=answer,
    )


def _needs(network: Network, found: Crossings, dtype: torch.dtype) -> dict[str, float]:
    limit = "f64" if dtype == torch.float64 else "f32"
    return {limit: plain_products(network, found)}


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

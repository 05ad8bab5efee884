"""One net through its polytopes: the steps of the demo, in order."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..capture import spline_codes
from ..codes import Codes
from ..hamming import hamming
from ..lens import LabelPairs, endpoint_density, exact_density
from ..lens.statistics.effects import Values, cohens_d, mean
from ..network import Network
from ..reading import read_network
from ..segments import Crossings, crossings
from ..tables import percent
from . import models
from .counts import (
    INSET,
    Checks,
    Counts,
    Flags,
    check,
    codes_at,
    exact_counts,
    sampled_counts,
)
from .models import Digits
from .neighbours import Shares, agreement_by_layer, chance, euclidean_agreement
from .report import Report

NEIGHBOURS = 10
RANKS = 50
"""Neighbours in the table, and in the figure."""

Groups = tuple[Values, Values]
"""Densities (pairs, layers) of same-class and of different-class pairs."""


@dataclass(frozen=True)
class Segments:
    """Segments between digits, the same-class ones first, and what stands on them."""

    ends: Tensor
    a: Tensor
    b: Tensor
    found: Crossings
    counts: dict[str, Counts]
    checks: Checks
    endpoint_density: Groups
    exact_density: Groups


@dataclass(frozen=True)
class Study:
    """What the figures of a net show, and whether its counts passed their checks."""

    name: str
    layers: list[str]
    agreement: dict[str, dict[str, Shares]]
    segments: Segments
    passed: bool


def study(
    name: str,
    data: Digits,
    pairs: LabelPairs,
    report: Report,
    *,
    epochs: int,
    steps: tuple[int, ...],
    seed: int,
) -> Study:
    """Train a net, read it and print its tables; `steps` are the finenesses of sampling."""
    report.heading(f"{name.upper()} on 8 x 8 digits")
    net = _train(name, data, epochs, seed, report)
    network = read_network(net, data.images[:32])
    layers = [layer.name for layer in network.layers]
    codes = _polytopes(net, network, data.images, report)
    agreement = _neighbours(net, codes, data, report)
    segments = _walk(network, data.images, pairs, steps, report)
    _print_densities(segments, layers, report)
    passed = _print_counts(segments, layers, report)
    return Study(name, layers, agreement, segments, passed)


def _train(name: str, data: Digits, epochs: int, seed: int, report: Report) -> nn.Sequential:
    report.step(f"training for {epochs} epochs")
    net = models.train(name, data, epochs, seed)
    for kind, chosen in (("training", ~data.test), ("test", data.test)):
        share = models.accuracy(net, data.images[chosen], data.labels[chosen])
        report.line(f"accuracy on {int(chosen.sum()):,} {kind} digits: {percent(share)}")
    return net


def _polytopes(net: nn.Sequential, network: Network, images: Tensor, report: Report) -> Codes:
    """Capture the codes of all digits and count their polytopes."""
    report.step(f"spline codes of all {len(images):,} digits, by hooks on the ReLUs")
    codes = spline_codes(net, images)
    names = [layer.name for layer in codes.layers]
    rows = []
    for label, part in [*((name, codes.layer(name)) for name in names), ("all layers", codes)]:
        unique = part.unique()
        rows.append(
            (label, f"{part.n_bits:,}", f"{len(unique.codes):,}", f"{int(unique.counts.max()):,}")
        )
    report.table(("layer", "bits", "distinct polytopes", "digits in the fullest"), rows)
    differ = int(hamming(codes, network.codes(images).select(*names)).sum())
    report.line(
        f"bits that differ between float32 hooks and the float64 network: {differ:,} of "
        f"{len(codes) * codes.n_bits:,}"
    )
    return codes


def _neighbours(
    net: nn.Sequential, codes: Codes, data: Digits, report: Report
) -> dict[str, dict[str, Shares]]:
    """Compare Hamming with Euclidean neighbours of the same activations."""
    report.step(f"how often the {NEIGHBOURS} nearest other digits have the query's label")
    z = models.pre_activations(net, data.images)
    agreement = agreement_by_layer(codes, z, data.labels, RANKS)
    metrics = list(next(iter(agreement.values())))
    rows = [
        (layer, *(percent(float(shares[:NEIGHBOURS].mean())) for shares in found.values()))
        for layer, found in agreement.items()
    ]
    report.table(("layer", *metrics), rows)
    pixels = euclidean_agreement(data.images.flatten(1), data.labels, NEIGHBOURS).mean()
    report.line(
        f"for comparison: Euclidean on the pixels {percent(float(pixels))}, chance "
        f"{percent(chance(data.labels))}"
    )
    return agreement


def _walk(
    network: Network, images: Tensor, pairs: LabelPairs, steps: tuple[int, ...], report: Report
) -> Segments:
    """Find the exact crossings of the segments, sample them, and check one against the other."""
    bars = sys.stderr.isatty()
    ends = torch.from_numpy(np.concatenate([pairs.same, pairs.different]))
    a, b = images[ends[:, 0]].double(), images[ends[:, 1]].double()
    report.step(f"exact crossings of {len(a):,} segments between digits")
    found = crossings(network, a, b, progress=bars)
    report.line(
        f"{int(found.count().sum()):,} crossings; {int(found.ambiguous.sum()):,} segments "
        "are marked ambiguous: rounding cannot tell a near-tie from a tie there"
    )
    start, end = codes_at(network, a, b, INSET), codes_at(network, a, b, 1 - INSET)
    leaves = hamming(network.codes(a), start) + hamming(network.codes(b), end)
    report.line(
        f"{int((leaves > 0).sum()):,} segments have an end exactly on a boundary; codes at "
        f"ends are those {INSET:.0e} inside"
    )
    report.step(f"sampled counts at {', '.join(map(str, steps))} steps a segment")
    sampled = sampled_counts(network, a, b, (1, *steps), progress=bars)
    counts = {
        "endpoint" if step == 1 else f"{step} steps": values for step, values in sampled.items()
    }
    counts["exact"] = exact_counts(found)
    checks = check(list(counts.values()), found, start, end)
    length = (b - a).flatten(1).norm(dim=1)
    endpoint = endpoint_density(start, end, length).numpy()
    exact = exact_density(found, length).numpy()
    same = len(pairs.same)
    return Segments(
        ends,
        a,
        b,
        found,
        counts,
        checks,
        (endpoint[:same], endpoint[same:]),
        (exact[:same], exact[same:]),
    )


def _print_densities(segments: Segments, layers: list[str], report: Report) -> None:
    report.step("boundary density: boundaries crossed per unit of L2 distance (pixels 0 to 1)")
    report.line(
        "mean +- 95 % interval; ratio = different / same; d = difference of the means in "
        "standard deviations"
    )
    for kind, (same, different) in (
        ("endpoint", segments.endpoint_density),
        ("exact", segments.exact_density),
    ):
        rows = [_density_row(name, same[:, i], different[:, i]) for i, name in enumerate(layers)]
        rows.append(_density_row("all layers", same.sum(axis=1), different.sum(axis=1)))
        report.table((kind, "same class", "different classes", "ratio", "d"), rows)


def _density_row(name: str, same: Values, different: Values) -> tuple[object, ...]:
    low, high = mean(same), mean(different)
    ratio = high.value / low.value if low.value else float("nan")
    return name, low, high, f"{ratio:.2f}", f"{cohens_d(same, different):+.2f}"


def _print_counts(segments: Segments, layers: list[str], report: Report) -> bool:
    """Print mean counts and what their checks say; False if a segment failed without excuse."""
    counts = segments.counts
    report.step("transitions per segment, over the same layers (share of the exact count)")
    rows = [
        _count_row(name, [values[:, i] for values in counts.values()])
        for i, name in enumerate(layers)
    ]
    rows.append(_count_row("all layers", [values.sum(axis=1) for values in counts.values()]))
    report.table(("layer", *counts), rows)
    report.line(f"{' <= '.join(counts)} in every layer: {_verdict(segments.checks.ordered)}")
    report.line(
        "the exact crossings lead from the code at one end to that at the other: "
        f"{_verdict(segments.checks.arrives)}"
    )
    misses = list(counts)[-2]
    missed = (counts[misses] < counts["exact"]).any(axis=1)
    report.line(f"segments on which even {misses} miss crossings: {missed.sum():,}")
    failed = ~segments.checks.passed
    unexcused = failed & ~segments.found.ambiguous.numpy()
    if failed.any():
        report.line(f"FAILED: {failed.sum():,} segments, {unexcused.sum():,} of them not ambiguous")
    return not unexcused.any()


def _count_row(name: str, columns: list[Counts]) -> tuple[str, ...]:
    exact = columns[-1].mean()
    cells = [
        f"{column.mean():,.1f} ({percent(column.mean() / exact) if exact else '-'})"
        for column in columns[:-1]
    ]
    return name, *cells, f"{exact:,.1f}"


def _verdict(holds: Flags) -> str:
    if holds.all():
        return f"holds on all {len(holds):,} segments"
    return f"holds on {int(holds.sum()):,} of {len(holds):,} segments"

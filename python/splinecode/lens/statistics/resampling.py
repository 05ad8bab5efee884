"""Resampled rows and inputs, and the intervals that statistics of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..density.pairs import Indices
from .effects import Sums, Values, powers, split_powers, weighted_sums

Weights = Iterator[list[Values]]
"""Weights (some resamples, rows) of the rows of each group, a chunk of resamples after another."""

_CHUNK_WEIGHTS = 1 << 20
"""Weights that are drawn before they are used: 8 MiB."""


def intervals(
    groups: list[Values],
    centre: Values,
    pairs: Indices | None,
    statistics: Callable[[list[Sums]], Values],
    confidence: float,
    resamples: int,
    seed: int,
) -> Values:
    """Return value, low and high of each statistic: (3, statistics, columns).

    `statistics` makes (resamples, statistics, columns) of the sums of each group about `centre`.
    The rest is `compare_groups`'.
    """
    rows = [powers(values, centre) for values in groups]
    sizes = [len(values) for values in groups]
    rng = np.random.default_rng(seed)

    def resampled(weights: Weights) -> Values:
        with np.errstate(divide="ignore", invalid="ignore"):
            chunks = [statistics(list(map(weighted_sums, chunk, rows))) for chunk in weights]
        return np.concatenate(chunks)

    value = resampled(iter([[np.ones((1, size)) for size in sizes]]))[0]
    if resamples == 0:
        return np.stack([value, np.full_like(value, np.nan), np.full_like(value, np.nan)])
    if pairs is None:
        draws = resampled(_row_weights(sizes, resamples, rng)) - value
    else:
        draws = resampled(_input_weights(pairs, sizes, resamples, rng)) - value
        draws *= _shrinkage(draws, _row_variance(rows, statistics, value))
    tail = (1 - confidence) / 2
    low, high = _quantiles(draws, [tail, 1 - tail])
    return np.stack([value, value + low, value + high])


def _row_weights(sizes: list[int], resamples: int, rng: np.random.Generator) -> Weights:
    """Draw rows with replacement within each group."""
    for some in _chunks(resamples, sum(sizes)):
        drawn = [[_drawn(size, rng) for size in sizes] for _ in range(some)]
        yield [np.stack(group) for group in zip(*drawn, strict=True)]


def _input_weights(
    pairs: Indices, sizes: list[int], resamples: int, rng: np.random.Generator
) -> Weights:
    """Draw inputs with replacement; rows are those of the groups, one after the other."""
    inputs, place = np.unique(pairs, return_inverse=True)
    left, right = place.reshape(pairs.shape).T
    bounds = np.cumsum(sizes)[:-1]
    for some in _chunks(resamples, len(pairs)):
        weights = np.empty((some, len(pairs)))
        for row in weights:
            counts = _drawn(len(inputs), rng)
            np.multiply(counts[left], counts[right], out=row)
        yield np.split(weights, bounds, axis=1)


def _chunks(resamples: int, rows: int) -> Iterator[int]:
    step = max(1, _CHUNK_WEIGHTS // max(rows, 1))
    for start in range(0, resamples, step):
        yield min(step, resamples - start)


def _drawn(n: int, rng: np.random.Generator) -> Values:
    """Return how often each of n was drawn in n draws."""
    if n == 0:
        return np.empty(0)
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)


def _shrinkage(draws: Values, by_row: Values) -> Values:
    """Return the factor that takes twice the variance of rows from that of the draws."""
    finite = np.isfinite(draws)
    squares = np.where(finite, draws, 0.0) ** 2
    by_input = squares.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.sqrt(np.maximum(by_input - 2 * by_row, by_row) / by_input)
    return np.where(by_input > 0, shrunk, 1.0)


def _row_variance(
    rows: list[Values], statistics: Callable[[list[Sums]], Values], value: Values
) -> Values:
    """Return the variance of each statistic by the jackknife: leave out one row at a time."""
    totals = [weighted_sums(np.ones((1, len(group))), group) for group in rows]
    variance = np.zeros_like(value)
    step = max(1, _CHUNK_WEIGHTS // max(value.size, 1))
    for g, group in enumerate(rows):
        for start in range(0, len(group), step):
            left_out = split_powers(group[start : start + step])
            rest = [Sums(*(np.subtract(*both) for both in zip(totals[g], left_out, strict=True)))]
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = statistics([*totals[:g], *rest, *totals[g + 1 :]]) - value
            variance += np.nansum(moved**2, axis=0)
    return variance


def _quantiles(draws: Values, shares: list[float]) -> Values:
    """Return quantiles of the finite draws: (shares, statistics, columns), NaN where none is."""
    kept = np.where(np.isfinite(draws), draws, np.nan)
    none = np.isnan(kept).all(axis=0)
    kept[:, none] = 0
    found = np.nanquantile(kept, shares, axis=0)
    found[:, none] = np.nan
    return np.asarray(found)

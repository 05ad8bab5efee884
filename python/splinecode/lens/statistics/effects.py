"""Means with intervals and effect sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Values = np.ndarray[Any, np.dtype[np.float64]]


class Mean(NamedTuple):
    """A mean and the half-width of its 95 % interval."""

    value: float
    half_width: float

    def __str__(self) -> str:
        return f"{self.value:.3f} +- {self.half_width:.3f}"


def mean(values: Values) -> Mean:
    """Return the mean of the finite values, with the normal approximation of its interval.

    The values count as independent: pairs that share a digit make the interval a little narrow.
    `compare_groups` resamples inputs instead.
    """
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Mean(float(values.mean()) if len(values) else float("nan"), float("nan"))
    return Mean(float(values.mean()), float(1.96 * values.std(ddof=1) / np.sqrt(len(values))))


def cohens_d(low: Values, high: Values) -> float:
    """Difference of the means, high - low, in units of the pooled standard deviation.

    Of the finite values; NaN with fewer than two on a side, or where none differs from its mean.
    """
    rows = [values[np.isfinite(values)] for values in (low, high)]
    if min(map(len, rows)) < 2:
        return float("nan")
    weights = [np.ones((1, len(values))) for values in rows]
    centre = np.concatenate(rows).mean(keepdims=True)
    below, above = (
        weighted_sums(weight, powers(values[:, None], centre))
        for weight, values in zip(weights, rows, strict=True)
    )
    return float(effect_size(below, above, least_deviation(np.concatenate(rows)[:, None]))[0, 0])


class Sums(NamedTuple):
    """Weighted sums of resampled rows, about a centre: of 1, of the values, of their squares.

    weight : float64 (resamples, 1); first, second : float64 (resamples, columns)
    """

    weight: Values
    first: Values
    second: Values

    @property
    def mean(self) -> Values:
        """Mean about the centre."""
        return self.first / self.weight

    @property
    def squares(self) -> Values:
        """Sum of the squared deviations from the mean."""
        return self.second - self.first * self.mean


def powers(values: Values, centre: Values) -> Values:
    """Return 1, values - centre and its square side by side: (rows, 1 + 2 columns).

    The centre keeps the sums of squares from cancelling.
    """
    about = values - centre
    return np.concatenate([np.ones((len(values), 1)), about, about**2], axis=1)


def weighted_sums(weights: Values, rows: Values) -> Sums:
    """Add up rows of `powers` with weights (resamples, rows)."""
    return split_powers(weights @ rows)


def split_powers(rows: Values) -> Sums:
    """Take rows of `powers`, or sums of them, apart."""
    columns = (rows.shape[1] - 1) // 2
    return Sums(rows[:, :1], rows[:, 1 : 1 + columns], rows[:, 1 + columns :])


def least_deviation(values: Values) -> Values:
    """Return the standard deviation that rounding alone can make: float64 (columns,)."""
    return np.asarray(1e-12 * np.abs(values).max(axis=0, initial=0))


def effect_size(low: Sums, high: Sums, least: Values) -> Values:
    """Return Cohen's d of each resample and column, NaN where the deviation is at most `least`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.sqrt((low.squares + high.squares) / (low.weight + high.weight - 2))
        return np.where(pooled > least, (high.mean - low.mean) / pooled, np.nan)

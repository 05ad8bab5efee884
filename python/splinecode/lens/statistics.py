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
    """
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Mean(float(values.mean()) if len(values) else float("nan"), float("nan"))
    return Mean(float(values.mean()), float(1.96 * values.std(ddof=1) / np.sqrt(len(values))))


def cohens_d(low: Values, high: Values) -> float:
    """Difference of the means, high - low, in units of the pooled standard deviation."""
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    if len(low) < 2 or len(high) < 2:
        return float("nan")
    freedom = len(low) + len(high) - 2
    pooled = ((len(low) - 1) * low.var(ddof=1) + (len(high) - 1) * high.var(ddof=1)) / freedom
    return float((high.mean() - low.mean()) / np.sqrt(pooled)) if pooled > 0 else float("nan")

"""Bootstrap intervals of means, and of what tells two groups of pairs apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..density.pairs import Indices
from .effects import Sums, Values, effect_size, least_deviation
from .resampling import intervals

_LEAST_ROWS = 2
"""From which on resampling shows how much a mean varies."""


class Interval(NamedTuple):
    """A statistic of each column and the ends of its interval: float64 (columns,) each."""

    value: Values
    low: Values
    high: Values

    def unless(self, too_few: bool) -> Interval:
        """Return no ends where too few rows say nothing of how much they vary."""
        none = np.full_like(self.value, np.nan)
        return self._replace(low=none, high=none) if too_few else self

    def part(self, columns: slice) -> Interval:
        """Return some columns."""
        return Interval(*(end[columns] for end in self))

    def divided(self, by: Values) -> Interval:
        """Return every column in another unit."""
        return Interval(*(end / by for end in self))

    def text(self, column: int, digits: int = 3) -> str:
        """Write one column's value and interval."""
        value, low, high = (f"{end[column]:.{digits}g}" for end in self)
        return value if low == high == "nan" else f"{value} [{low}, {high}]"


class GroupComparison(NamedTuple):
    """Two groups of pairs side by side; every statistic an `Interval`.

    same, different : the means; difference : different - same; ratio : different / same;
    effect : Cohen's d, the difference in units of the pooled standard deviation
    """

    same: Interval
    different: Interval
    difference: Interval
    ratio: Interval
    effect: Interval

    def part(self, columns: slice) -> GroupComparison:
        """Return some columns."""
        return GroupComparison(*(interval.part(columns) for interval in self))

    def divided(self, by: Values) -> GroupComparison:
        """Return every column in another unit; ratio and effect have none."""
        same, different, difference, *rest = self
        return GroupComparison(*(mean.divided(by) for mean in (same, different, difference)), *rest)


def mean_interval(
    values: Values,
    *,
    pairs: Indices | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the mean of each column with its interval; the arguments are `compare_groups`'.

    The ends of an interval are NaN with fewer than two rows.
    """
    values = _checked(values, confidence, resamples)
    centre = _centre(values)

    def statistics(sums: list[Sums]) -> Values:
        return (centre + sums[0].mean)[:, None]

    estimate = intervals([values], centre, pairs, statistics, confidence, resamples, seed)
    return Interval(*estimate[:, 0]).unless(len(values) < _LEAST_ROWS)


def compare_groups(
    values: Values,
    different: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    pairs: Indices | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> GroupComparison:
    """Compare the rows of two groups, column by column, with percentile bootstrap intervals.

    Parameters
    ----------
    values : float64 (rows, columns)
        A NaN makes the statistics of its group and column NaN.
    different : bool (rows,)
        The group of each row.
    pairs : int64 (rows, 2), optional
        The two inputs that a row belongs to. Rows that share an input are not independent; with
        `pairs` inputs are resampled, and without rows are, as if each had inputs of its own.
    confidence : float
        Share of the intervals, between 0 and 1.
    resamples : int
        0: the statistics alone, with NaN as intervals.
    seed : int

    Returns
    -------
    comparison : GroupComparison; NaN where a group is too small for a statistic
        One row has a mean, but says nothing of how much it varies: the ends of intervals are NaN
        where a group of theirs has fewer than two.

    Raises
    ------
    ValueError : shapes that do not fit, a confidence or a number of resamples that cannot be.

    Notes
    -----
    Rows are resampled within their group. Inputs are drawn with replacement, and a pair (i, j)
    counts as often as i was drawn times as often as j: the pigeonhole bootstrap (Owen, "The
    pigeonhole bootstrap", Annals of Applied Statistics 2007; for exchangeable arrays Davezies,
    D'Haultfoeuille and Guyonvarch, Annals of Statistics 2021). Its variance counts what rows that
    share an input have in common once, and what a row has for itself three times, since
    E[(c_i c_j)^2] = 4: alone it is too wide, by up to sqrt(3), where inputs stand in few pairs. The
    excess is twice the variance of independent rows (by the jackknife), which is subtracted:
    deviations from the estimate are shrunk until their variance is the difference, and no less than
    that of independent rows.
    To first order this is the dyadic-robust variance (Aronow, Samii and Assenova, Political
    Analysis 2015): products of all rows that share an input, each once. Resamples in which a
    statistic is undefined (a group without rows, a mean of 0 below a ratio) are left out of it.

    O(resamples rows columns), 8 MiB of weights at a time.

    """
    values = _checked(values, confidence, resamples)
    different = np.asarray(different, bool)
    if different.shape != (len(values),):
        raise ValueError(f"different has shape {different.shape}; wanted ({len(values)},)")
    centre, least = _centre(values), least_deviation(values)

    def statistics(sums: list[Sums]) -> Values:
        low, high = (centre + group.mean for group in sums)
        ratio = np.where(np.abs(low) > least, high / low, np.nan)
        found = (low, high, high - low, ratio, effect_size(sums[0], sums[1], least))
        return np.stack(np.broadcast_arrays(*found), axis=1)

    groups = [values[~different], values[different]]
    if pairs is not None:
        pairs = np.concatenate([pairs[~different], pairs[different]])
    estimate = intervals(groups, centre, pairs, statistics, confidence, resamples, seed)
    low, high = (len(group) < _LEAST_ROWS for group in groups)
    too_few = (low, high, low or high, low or high, low or high)
    return GroupComparison(
        *(Interval(*estimate[:, i]).unless(few) for i, few in enumerate(too_few))
    )


def _checked(values: Values, confidence: float, resamples: int) -> Values:
    values = np.asarray(values, np.float64)
    if values.ndim != 2:
        raise ValueError(f"values has shape {values.shape}; wanted (rows, columns)")
    need_resampling(confidence, resamples)
    return values


def need_resampling(confidence: float, resamples: int) -> None:
    """Raise ValueError for a confidence or a number of resamples that cannot be."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; wanted a share between 0 and 1, as 0.95")
    if resamples < 0:
        raise ValueError(f"resamples is {resamples}; wanted at least 0")


def _centre(values: Values) -> Values:
    """Return the means of the finite values of each column, 0 without any."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(finite.sum(axis=0), 1))

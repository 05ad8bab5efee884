"""Bootstrap intervals: point values against their formulas, intervals against simulations."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splinecode.lens import compare_groups, mean_interval
from splinecode.lens.statistics import resampling
from splinecode.lens.statistics.effects import cohens_d

RNG = np.random.default_rng(0)


def oracle(low: np.ndarray, high: np.ndarray) -> list[float]:
    """The five statistics of one column, by the book."""
    pooled = (((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()) / (
        len(low) + len(high) - 2
    )
    gap = high.mean() - low.mean()
    return [low.mean(), high.mean(), gap, high.mean() / low.mean(), gap / pooled**0.5]


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 3), st.integers(0, 99))
def test_values_are_those_of_the_formulas(low: int, high: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(1e6, 1, (low + high, columns))
    different = rng.permutation(np.arange(low + high) < high)
    found = compare_groups(values, different, resamples=0)
    for column in range(columns):
        wanted = oracle(values[~different, column], values[different, column])
        got = [statistic.value[column] for statistic in found]
        assert got == pytest.approx(wanted, rel=1e-7)
        assert cohens_d(values[~different, column], values[different, column]) == pytest.approx(
            wanted[-1], rel=1e-7
        )
    assert all(np.isnan(end).all() for each in found for end in (each.low, each.high))
    mean = mean_interval(values, resamples=0)
    np.testing.assert_allclose(mean.value, values.mean(axis=0))


def test_seeds_repeat_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    values, different = RNG.normal(5, 1, (60, 2)), np.arange(60) < 25
    pairs = RNG.integers(0, 20, (60, 2))

    def run() -> np.ndarray:
        options = {"resamples": 90, "seed": 7}
        return np.array(
            [compare_groups(values, different, **options, pairs=p) for p in (None, pairs)]
        )

    first = run()
    np.testing.assert_array_equal(first, run())
    monkeypatch.setattr(resampling, "_CHUNK_WEIGHTS", 130)
    np.testing.assert_allclose(run(), first, rtol=1e-9)
    assert (first[:, :, 1] <= first[:, :, 0]).all()
    assert (first[:, :, 0] <= first[:, :, 2]).all()


def covered(draw: Callable[[np.random.Generator], tuple], truth: list[float], trials: int) -> tuple:
    """Share of 90 % intervals that hold the truth: with resampled inputs, and resampled rows."""
    hits = np.zeros((2, len(truth)))
    for trial in range(trials):
        values, different, pairs = draw(np.random.default_rng(trial))
        for k, ends in enumerate((pairs, None)):
            found = compare_groups(
                values[:, None], different, pairs=ends, confidence=0.9, resamples=200, seed=trial
            )
            hits[k] += [
                each.low[0] <= true <= each.high[0] for each, true in zip(found, truth, strict=True)
            ]
    return tuple(hits / trials)


def test_pairs_that_share_inputs_need_inputs_resampled() -> None:
    """Rows are a_i + a_j + noise, 20 an input: resampling rows is far too sure of the means."""

    def draw(rng: np.random.Generator) -> tuple:
        effects = rng.normal(size=40)
        pairs = np.stack([rng.permutation(40)[:2] for _ in range(400)])
        different = np.arange(400) % 2 == 1
        return (10 + effects[pairs].sum(1) + rng.normal(size=400) + different, different, pairs)

    by_input, by_row = covered(draw, [10, 11, 1, 1.1, 1 / 3**0.5], 60)
    assert (by_input >= 0.75).all()
    assert (by_row[:2] <= 0.7).all()


def test_independent_rows_are_covered_either_way() -> None:
    """Each input stands in one pair: the excess of the pigeonhole bootstrap is taken off."""
    pairs = np.arange(160).reshape(80, 2)
    different = np.arange(80) % 2 == 1

    def draw(rng: np.random.Generator) -> tuple:
        return 10 + rng.normal(size=80) + different, different, pairs

    by_input, by_row = covered(draw, [10, 11, 1, 1.1, 1], 60)
    assert (np.minimum(by_input, by_row) >= 0.75).all()
    values, *_ = draw(np.random.default_rng(0))
    widths = [
        float((found.high - found.low)[0])
        for found in (
            compare_groups(values[:, None], different, pairs=ends).same for ends in (pairs, None)
        )
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.2)


def test_groups_that_are_too_small_or_do_not_vary() -> None:
    values = np.ones((6, 1))
    found = compare_groups(values, np.arange(6) < 3, resamples=20)
    assert [float(each.value[0]) for each in found[:4]] == [1, 1, 0, 1]
    assert [float(each.low[0]) for each in found[:4]] == [1, 1, 0, 1]
    assert np.isnan(found.effect).all()
    for some in (np.zeros(6, bool), np.ones(6, bool)):
        found = compare_groups(values, some, pairs=np.arange(12).reshape(6, 2), resamples=20)
        assert np.isnan(found.ratio).all()
        assert np.isnan(found.difference).all()
    empty = compare_groups(np.empty((0, 2)), np.empty(0, bool), resamples=5)
    assert np.isnan(empty).all()
    zero = compare_groups(np.array([[0.0], [0.0], [1.0], [2.0]]), np.arange(4) > 1, resamples=20)
    assert np.isnan([zero.ratio.low, zero.ratio.high]).all()
    assert zero.same == (0, 0, 0)


def test_one_row_has_a_mean_and_no_interval() -> None:
    values = np.array([[3.0], [4.0], [6.0]])
    for pairs in (None, np.array([[0, 1], [2, 3], [4, 5]])):
        first = None if pairs is None else pairs[:1]
        alone = mean_interval(values[:1], pairs=first, resamples=30)
        assert np.array_equal(alone, [[3], [np.nan], [np.nan]], equal_nan=True)
        for different in (np.array([False, True, True]), np.array([True, False, False])):
            found = compare_groups(values, different, pairs=pairs, resamples=30)
            means = [found.same, found.different]
            one, two = means[::-1] if different[0] else means
            assert (one.value, two.value) == (3, 5)
            for each in (one, found.difference, found.ratio, found.effect):
                assert np.isnan([each.low, each.high]).all()
            assert np.isfinite(found.difference.value).all()
            assert np.isfinite([two.low, two.high]).all()


def test_a_nan_spoils_its_column_alone() -> None:
    values = RNG.normal(3, 1, (20, 2))
    values[4, 0] = np.nan
    found = compare_groups(
        values, np.arange(20) < 9, resamples=30, pairs=RNG.integers(0, 9, (20, 2))
    )
    assert np.isnan(found.difference.value).tolist() == [True, False]
    assert np.isnan(found.difference.low).tolist() == [True, False]


def test_intervals_print() -> None:
    found = mean_interval(np.array([[1.0], [2.0], [3.0]]), resamples=50)
    assert found.text(0) == f"2 [{found.low[0]:.3g}, {found.high[0]:.3g}]"
    assert mean_interval(np.array([[1.0], [2.0]]), resamples=0).text(0) == "1.5"
    halved = found.divided(np.array([2.0]))
    assert halved.value.tolist() == [1.0]


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"values has shape \(3,\)"):
        mean_interval(np.ones(3))
    with pytest.raises(ValueError, match=r"different has shape \(2,\); wanted \(3,\)"):
        compare_groups(np.ones((3, 1)), np.ones(2, bool))
    with pytest.raises(ValueError, match="confidence is 95; wanted a share between 0 and 1"):
        mean_interval(np.ones((3, 1)), confidence=95)
    with pytest.raises(ValueError, match="resamples is -1"):
        mean_interval(np.ones((3, 1)), resamples=-1)

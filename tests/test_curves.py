"""Curves against their formulas, one point at a time in Python's floats."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splinecode.lens import curves

RNG = np.random.default_rng(0)


def pairs(n: int = 3, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    return RNG.normal(size=(n, width)), RNG.normal(size=(n, width))


def slerp_point(a: list[float], b: list[float], t: float) -> list[float]:
    cosine = sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))
    w = math.acos(cosine)
    before, after = math.sin((1 - t) * w) / math.sin(w), math.sin(t * w) / math.sin(w)
    return [before * x + after * y for x, y in zip(a, b, strict=True)]


def test_linear_is_even_and_keeps_its_ends() -> None:
    a, b = pairs()
    points = curves.linear(a, b, 6)
    assert points.shape == (3, 6, 5)
    assert np.array_equal(points[:, 0], a)
    assert np.array_equal(points[:, -1], b)
    assert np.allclose(np.diff(points, axis=1), ((b - a) / 5)[:, None])


def test_slerp_is_shoemakes_formula() -> None:
    a, b = pairs()
    points = curves.slerp(a, b, 5)
    for i in range(3):
        for k in range(5):
            assert np.allclose(points[i, k], slerp_point(a[i].tolist(), b[i].tolist(), k / 4))


def test_slerp_norm_interpolates_norm_and_angle() -> None:
    a, b = pairs()
    b *= 7
    points = curves.slerp_norm(a, b, 9)
    t = np.linspace(0, 1, 9)
    norms = np.linalg.norm(points, axis=-1)
    start, end = norms[:, :1], norms[:, -1:]
    assert np.allclose(norms, start + t * (end - start))
    unit = points / norms[..., None]
    steps = np.arccos((unit[:, 1:] * unit[:, :-1]).sum(-1))
    assert np.allclose(steps, steps[:, :1])
    assert np.array_equal(points[:, -1], b)


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(2, 9),
    st.sampled_from([1e-300, 1e-9, 1.0, 1e9, 1e300]),
    st.integers(0, 2**32 - 1),
)
def test_great_circles_stay_finite_in_any_size(
    n: int, width: int, count: int, size: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0.1, 1, (n, width)) * size
    b = rng.uniform(0.1, 1, (n, width)) * size  # one orthant: never antipodal
    b[0] = 2 * a[0]  # parallel
    for curve in (curves.slerp, curves.slerp_norm):
        points = curve(a, b, count)
        assert np.isfinite(points).all()
        assert np.array_equal(points[:, 0], a)
        assert np.array_equal(points[:, -1], b)
        assert np.allclose(points[0] / size, curves.linear(a, b, count)[0] / size)


@pytest.mark.parametrize("curve", [curves.slerp, curves.slerp_norm])
def test_no_great_circle(curve) -> None:
    a, b = pairs()
    b[1] = -3 * a[1]
    with pytest.raises(ValueError, match=r"antipodal in 1 of 3 curves, first in curve 1"):
        curve(a, b, 4)
    b[1] = 0
    with pytest.raises(ValueError, match=r"b is zero in curve 1"):
        curve(a, b, 4)


def test_scale_passes_through_the_point() -> None:
    x = RNG.normal(size=(2, 3, 4))
    points = curves.scale(x, 5, low=-1, high=3)
    assert points.shape == (2, 5, 3, 4)
    for k, alpha in enumerate((-1, 0, 1, 2, 3)):
        assert np.allclose(points[:, k], alpha * x)
    with pytest.raises(ValueError, match="low and high are 2.0 and 2.0"):
        curves.scale(x, 5, low=2.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_points_that_the_dtype_cannot_hold_are_refused(library) -> None:
    x = library(np.full((1, 2), 40_000, np.float16))
    assert curves.scale(x, 3, low=0.5, high=1.5).tolist() == [[[20_000] * 2, [4e4] * 2, [6e4] * 2]]
    with pytest.raises(ValueError, match="leaves the range of float16;"):
        curves.scale(x, 3)
    with pytest.raises(ValueError, match="leaves the range of float16"):
        curves.circle(x, 5, radius=1e5)
    with pytest.raises(ValueError, match="leaves the range of float64"):
        curves.scale(library(np.full((1, 2), 1e308)), 3)


def test_circle_is_closed_round_and_flat() -> None:
    x = RNG.normal(size=(2, 6))
    points = curves.circle(x, 13, radius=0.5, seed=3)
    away = points - x[:, None]
    assert np.array_equal(points[:, 0], points[:, -1])
    assert np.allclose(np.linalg.norm(away, axis=-1), 0.5)
    assert np.linalg.matrix_rank(away.reshape(-1, 6), tol=1e-9) == 2
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    assert np.allclose(steps, 2 * 0.5 * math.sin(math.pi / 12))
    assert np.array_equal(points, curves.circle(x, 13, radius=0.5, seed=3))
    assert not np.array_equal(points, curves.circle(x, 13, radius=0.5, seed=4))


def test_circle_in_a_plane_of_ones_own() -> None:
    x = np.zeros((1, 3))
    plane = (np.array([0.0, 2.0, 0.0]), np.array([0.0, 5.0, 1.0]))
    points = curves.circle(x, 5, radius=2, plane=plane)
    assert np.allclose(
        points[0], 2 * np.array([[0, 1, 0], [0, 0, 1], [0, -1, 0], [0, 0, -1], [0, 1, 0]])
    )
    with pytest.raises(ValueError, match="parallel or zero"):
        curves.circle(x, 5, radius=2, plane=(plane[0], -3 * plane[0]))
    with pytest.raises(ValueError, match=r"plane has vectors of shape \(2,\); wanted \(3,\)"):
        curves.circle(x, 5, radius=2, plane=(np.ones(2), np.eye(2)[0]))
    with pytest.raises(ValueError, match="radius is 0"):
        curves.circle(x, 5, radius=0)
    with pytest.raises(ValueError, match="at least two dimensions"):
        curves.circle(np.ones((1, 1)), 5, radius=1)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_circle_through_three_points(width: int, seed: int) -> None:
    a, b, c = np.random.default_rng(seed).normal(size=(3, 2, width))
    points = curves.circle_through(a, b, c, 4001)
    assert np.array_equal(points[:, 0], a)
    assert np.array_equal(points[:, -1], a)
    centre = points[:, :-1].mean(axis=1)
    radius = np.linalg.norm(a - centre, axis=-1)
    for i in range(2):
        near = [np.linalg.norm(points[i] - end[i], axis=-1).argmin() for end in (b, c)]
        assert near[0] <= near[1]
        step = 2 * math.pi * radius[i] / 4000
        for place, end in zip(near, (b, c), strict=True):
            assert np.linalg.norm(points[i, place] - end[i]) <= step
            assert np.isclose(np.linalg.norm(end[i] - centre[i]), radius[i])


def test_three_points_on_a_line() -> None:
    a, b = pairs()
    for c in (a + 2 * (b - a), a, b):
        with pytest.raises(ValueError, match="a, b and c lie on one line in curve 0"):
            curves.circle_through(a, b, c, 5)


def test_polygon_visits_every_vertex() -> None:
    vertices = RNG.normal(size=(2, 3, 4))
    points = curves.polygon(vertices, 5)
    assert points.shape == (2, 16, 4)
    assert np.array_equal(points[:, ::5][:, :3], vertices)
    assert np.array_equal(points[:, -1], vertices[:, 0])
    for edge in range(3):
        part = points[:, 5 * edge : 5 * edge + 6]
        ends = vertices[:, edge], vertices[:, (edge + 1) % 3]
        assert np.allclose(part, curves.linear(*ends, 6))
    with pytest.raises(ValueError, match=r"vertices has shape \(2, 1, 4\)"):
        curves.polygon(vertices[:, :1], 5)
    with pytest.raises(ValueError, match="n is 0"):
        curves.polygon(vertices, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_library_and_dtype_stay(dtype: torch.dtype) -> None:
    a, b = (torch.from_numpy(end).to(dtype) for end in pairs())
    for curve in (curves.linear, curves.slerp, curves.slerp_norm):
        points = curve(a, b, 4)
        assert points.dtype == dtype
        expected = curve(a.double().numpy(), b.double().numpy(), 4)
        assert torch.equal(points, torch.from_numpy(expected).to(dtype))
    single = curves.linear(a.float().numpy(), b.float().numpy(), 3)
    assert single.dtype == np.float32


def test_read_only_arrays_and_arrays_in_another_order() -> None:
    a, b = pairs()
    a.flags.writeable = False
    assert np.array_equal(curves.linear(a, np.asfortranarray(b), 3)[:, -1], b)


def test_errors() -> None:
    a, b = pairs()
    with pytest.raises(ValueError, match=r"a has shape \(5,\); wanted \(curves, ...\); one vector"):
        curves.linear(a[0], b[0], 4)
    with pytest.raises(ValueError, match=r"b has shape \(2, 5\); wanted .*as a: \(3, 5\)"):
        curves.linear(a, b[:2], 4)
    with pytest.raises(ValueError, match="n is 1; wanted at least 2 points"):
        curves.linear(a, b, 1)
    with pytest.raises(TypeError, match="a has dtype int64"):
        curves.linear(a.astype(int), b, 4)
    with pytest.raises(TypeError, match="b is a list"):
        curves.linear(a, b.tolist(), 4)
    with pytest.raises(ValueError, match="torch"):
        curves.linear(a, torch.from_numpy(b), 4)
    b[0, 0] = math.nan
    with pytest.raises(ValueError, match="b holds NaN or inf"):
        curves.slerp(a, b, 4)
    assert curves.linear(a[:0], b[:0], 4).shape == (0, 4, 5)

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, expected_hamming, expected_hamming_matrix, hamming, pack


@st.composite
def soft_codes(draw):
    units = draw(st.integers(0, 20))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    sides = [rng.random((draw(st.integers(0, 5)), units)) for _ in range(2)]
    for side in sides:
        side[rng.random(side.shape) < 0.3] = 0
        side[rng.random(side.shape) < 0.3] = 1
    return sides


@given(soft_codes())
def test_matrix_agrees_with_the_oracle(sides):
    p, q = sides
    exact = [[[Fraction(x) for x in row] for row in side.tolist()] for side in sides]
    wanted = [[float(oracle.expected_hamming(a, b)) for b in exact[1]] for a in exact[0]]
    wanted = np.array(wanted).reshape(len(p), len(q))
    # Each product and each of 2 * units sums rounds once; all terms have one sign.
    close = {"rtol": 1e-14, "atol": 0}
    np.testing.assert_allclose(expected_hamming_matrix(p, q), wanted, **close)
    np.testing.assert_allclose(expected_hamming(p[:, None], q[None]), wanted, **close)


def test_hard_codes_give_the_hamming_distance():
    rng = np.random.default_rng(0)
    a, b = (rng.random((9, 100)) < 0.5 for _ in range(2))
    hard = hamming(*(Codes.from_words(pack(bits), 100) for bits in (a, b)))
    for dtype in (np.float32, np.float64):
        soft = expected_hamming(a.astype(dtype), b.astype(dtype))
        assert soft.dtype == dtype
        np.testing.assert_array_equal(soft, hard)
        matrix = expected_hamming_matrix(a.astype(dtype))
        np.testing.assert_array_equal(matrix.diagonal(), 0)


def test_a_soft_code_is_some_way_from_itself():
    p = np.array([[0.5, 0.25, 1.0]])
    assert expected_hamming_matrix(p).tolist() == [[0.5 + 0.375]]


def test_torch_gives_torch_and_gradients():
    torch = pytest.importorskip("torch")
    p = torch.rand(4, 7, dtype=torch.float64, requires_grad=True)
    q = torch.rand(5, 7, dtype=torch.float64)
    matrix = expected_hamming_matrix(p, q)
    np.testing.assert_allclose(
        matrix.detach(), expected_hamming_matrix(p.detach().numpy(), q.numpy())
    )
    matrix.sum().backward()
    np.testing.assert_allclose(p.grad, (1 - 2 * q).sum(0).expand(4, 7))
    assert expected_hamming(p, q[:4]).requires_grad


@pytest.mark.parametrize(
    ("p", "q", "error", "message"),
    [
        (np.array([[1.5]]), np.zeros((1, 1)), ValueError, r"p has a value outside \[0, 1\]"),
        (np.zeros((1, 1)), np.array([[-1e-9]]), ValueError, "q has a value outside"),
        (np.zeros((1, 1)), np.array([[np.nan]]), ValueError, "q has a value outside"),
        (np.zeros((1, 1), bool), np.zeros((1, 1)), TypeError, "p has dtype bool"),
        (np.zeros((1, 1), np.float16), np.zeros((1, 1)), TypeError, "p has dtype float16"),
        (np.zeros((1, 1), np.float32), np.zeros((1, 1)), TypeError, "wanted one dtype"),
        (np.zeros((1, 1)), np.zeros((1, 2)), ValueError, "p has 1 units and q 2"),
        ([[0.5]], np.zeros((1, 1)), TypeError, "p is a list"),
        (np.array(0.5), np.array(0.5), ValueError, "p has no axes"),
    ],
)
def test_bad_input_is_refused(p, q, error, message):
    for call in (expected_hamming, expected_hamming_matrix):
        with pytest.raises(error, match=message):
            call(p, q)


def test_a_matrix_needs_two_axes():
    with pytest.raises(ValueError, match=r"q has shape \(3,\); wanted \(n, units\)"):
        expected_hamming_matrix(np.zeros((2, 3)), np.zeros(3))

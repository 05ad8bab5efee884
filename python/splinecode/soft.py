"""Soft codes: units that are active with a probability. The expected Hamming distance."""

from __future__ import annotations

from typing import Any

from .arrays import Array, dtype_name, library_of, need_same_place


def expected_hamming(p: Array, q: Array) -> Array:
    """Expected Hamming distance of soft code i of `p` and soft code i of `q`.

    Parameters
    ----------
    p, q : float64 or float32 (..., units); numpy, torch or cupy, on any device
        Probabilities, in [0, 1], that a unit is active, all independently. The leading axes
        broadcast.

    Returns
    -------
    distances : of the same dtype, (...)
        ``sum_u p_u (1 - q_u) + q_u (1 - p_u)``. For zeros and ones it is the Hamming distance,
        exact up to 2^24 units in float32.

    Raises
    ------
    TypeError : not such arrays, or two dtypes.
    ValueError : other numbers of units, library or device; a value outside [0, 1] or NaN.

    Notes
    -----
    Torch tensors may require grad: the result is differentiable. O(size). On a GPU the check of the
    range waits for the values.

    """
    _need_soft_pair(p, "p", q, "q")
    return (p * (1 - q) + q * (1 - p)).sum(-1)


def expected_hamming_matrix(p: Array, q: Array | None = None) -> Array:
    """Expected Hamming distance of every soft code of `p` to every one of `q` (of `p` if None).

    Parameters
    ----------
    p : float64 or float32 (n, units)
    q : float64 or float32 (m, units), or None
        As in `expected_hamming`. The units of two codes are independent also where the codes are
        one and the same: the diagonal is ``sum_u 2 p_u (1 - p_u)``, not 0.

    Returns
    -------
    distances : of the same dtype (n, m)

    Raises
    ------
    TypeError, ValueError : as `expected_hamming`, and for other than two axes.

    Notes
    -----
    ``p (1 - q)^T + (1 - p) q^T`` by the array library's own matrix product, O(n m units): sums of
    terms of one sign, so that nothing cancels. The last digits are up to that library.

    """
    other = p if q is None else q
    _need_soft_pair(p, "p", other, "q")
    for array, name in ((p, "p"), (other, "q")):
        if array.ndim != 2:
            raise ValueError(f"{name} has shape {tuple(array.shape)}; wanted (n, units)")
    return p @ (1 - other).T + (1 - p) @ other.T


def _need_soft_pair(p: Array, p_name: str, q: Array, q_name: str) -> None:
    _need_soft(p, p_name)
    _need_soft(q, q_name)
    need_same_place(_values(p), p_name, _values(q), q_name)
    if p.dtype != q.dtype:
        raise TypeError(
            f"{p_name} has dtype {dtype_name(p)} and {q_name} {dtype_name(q)}; wanted one dtype"
        )
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"{p_name} has {p.shape[-1]} units and {q_name} {q.shape[-1]}; wanted as many in both"
        )


def _need_soft(array: Array, name: str) -> None:
    library_of(_values(array), name)
    if dtype_name(array) not in ("float64", "float32"):
        raise TypeError(
            f"{name} has dtype {dtype_name(array)}; wanted float64 or float32 probabilities"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} has no axes; wanted at least one, the units")
    values = _values(array)
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise ValueError(f"{name} has a value outside [0, 1] or NaN; wanted probabilities")


def _values(array: Any) -> Any:
    """The numbers without their history."""
    return array.detach() if hasattr(array, "detach") else array

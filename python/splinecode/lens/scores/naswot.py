"""Scores of untrained networks by the codes of a batch: agreement kernel and distinct codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import Array, to_host
from ...hamming import hamming_matrix
from ...memory import need_room
from ...tables import Table
from ..coded import codes_of, need_some_codes


@dataclass(frozen=True, eq=False, repr=False)
class Naswot(Analysis):
    """What `naswot` found; the kernel is drawn by `splinecode.plots.naswot`.

    Attributes
    ----------
    kernel : float64 (n, n)
        Units that two inputs have in the same state, ``bits - Hamming``: whole numbers.
    log_determinant : float
        Natural logarithm of the kernel's determinant; -inf where it is singular.
    rank : int
        Eigenvalues of the kernel that are above rounding.
    distinct : int
        Distinct codes of the batch, which TE-NAS takes for the number of linear regions.
    bits : int
    work : "inputs", "distances"

    """

    kernel: NDArray[np.float64]
    log_determinant: float
    rank: int
    distinct: int
    bits: int
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return the scores as a table."""
        n = len(self.kernel)
        off = self.kernel[~np.eye(n, dtype=bool)]
        agree = f"{off.mean() / self.bits:.3f}" if len(off) and self.bits else "-"
        rows = [
            ("log-determinant of the kernel", f"{self.log_determinant:,.2f}"),
            ("its rank", f"{self.rank:,} of {n:,}"),
            ("distinct codes", f"{self.distinct:,} of {n:,}"),
            ("mean share of units that two inputs agree on", agree),
        ]
        return [Table(f"scores over {self.bits:,} units", ("score", "value"), rows)]


def naswot(
    subject: Any,
    inputs: Array | Iterable[Any] | None = None,
    *,
    layers: str | Sequence[str] | None = None,
    batch_size: int = 256,
    progress: bool = False,
) -> Naswot:
    """Score a network by how differently it codes a batch: NASWOT, and TE-NAS's count of codes.

    Parameters
    ----------
    subject : Codes, or torch.nn.Module in evaluation mode
    inputs : array, mapping of arrays or iterable of batches, for a model
        NASWOT takes 128 inputs.
    layers : glob or globs, optional
        By default all layers, whose kernels add up.
    batch_size, progress : as in `spline_codes`

    Returns
    -------
    Naswot

    Raises
    ------
    TypeError, ValueError, KeyError : no codes; what `spline_codes` raises.
    MemoryError : the kernel of so many inputs does not fit.

    Notes
    -----
    ``K[i, j] = N - H(s_i, s_j)`` and ``log det K`` after arXiv:2006.04647, the count of distinct
    codes after TE-NAS (arXiv:2102.11535), in the form that field notes of this project give: not
    checked against the papers' text. Scores are compared between networks over one batch.
    K is positive semidefinite, half of ``N + S S^T`` for codes S in {-1, 1}. It is
    singular where two inputs share a code, or where there are more than N + 1 inputs. The
    determinant is the product of the eigenvalues; if one is within rounding of 0
    (below ``n eps`` of the largest) it is reported as singular, while software that takes what
    rounding leaves reports an arbitrary large negative number.
    O(n^2 words + n^3); four arrays (n, n).

    """
    codes, _ = codes_of(
        subject, inputs, None, layers=layers, batch_size=batch_size, progress=progress
    )
    need_some_codes(codes, "codes")
    n, bits = len(codes), codes.n_bits
    need_room((n, n), 4 * 8, f"the kernel of {n} codes")
    kernel = bits - to_host(hamming_matrix(codes)).astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(kernel)
    above = eigenvalues > n * np.finfo(np.float64).eps * max(eigenvalues[-1], 0.0)
    distinct = len(codes.unique().codes)
    regular = bool(above.all()) and distinct == n <= bits + 1
    return Naswot(
        kernel,
        float(np.log(eigenvalues).sum()) if regular else float("-inf"),
        int(above.sum()),
        distinct,
        bits,
        {"inputs": n, "distances": n * (n - 1) // 2},
    )

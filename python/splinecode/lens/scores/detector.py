"""Telling inputs of another distribution by how far their codes lie from known ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import host_values, to_host
from ...banks import nearest_in_bank
from ...codes import Codes
from ...masks import Mask
from ..coded import need_codes, need_some_codes

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OodDetector:
    """A bank of known codes and the distance up to which a code counts as known.

    An input's score is its least Hamming distance to the bank: to the codes of its predicted class
    if classes are given, else to any.

    Attributes
    ----------
    bank : Codes
        Such as those of the training inputs.
    labels : array (bank,), or None
        The class of each code of the bank.
    threshold : int
        Units; a score above it is out of distribution.
    mask : as in `nearest_in_bank`, or None

    """

    bank: Codes
    labels: NDArray[Any] | None
    threshold: int
    mask: Mask | None = None

    def score(self, codes: Codes, classes: Any = None) -> Ints:
        """Return the score of every code, int64 (m,): see `ood_scores`."""
        return ood_scores(self.bank, codes, self.labels, classes, mask=self.mask)

    def is_out(self, codes: Codes, classes: Any = None) -> NDArray[np.bool_]:
        """Tell for every code whether its score is above the threshold, bool (m,)."""
        return self.score(codes, classes) > self.threshold


def fit_ood(
    bank: Codes,
    held_out: Codes,
    labels: Any = None,
    classes: Any = None,
    *,
    percentile: float = 95.0,
    mask: Mask | None = None,
) -> OodDetector:
    """Set the threshold of a detector by held-out codes of the known distribution.

    Parameters
    ----------
    bank : Codes
    held_out : Codes of the same layout, library and device
        Not in the bank: a code of the bank has distance 0 to it.
    labels : array-like (bank,), optional
        Integers or strings.
    classes : array-like (held out,), optional
        The class that the model predicts for each held-out code; needs labels.
    percentile : float
        Share of the held-out codes that the threshold must accept, in percent, from 0 to 100.
    mask : as in `nearest_in_bank`, optional

    Returns
    -------
    OodDetector
        The least threshold that accepts them, one of their scores.

    Raises
    ------
    TypeError, ValueError : what `ood_scores` raises; no codes; a percentile that is none.

    Notes
    -----
    After the monitors of activation patterns that field notes of this project list; O(n m words).

    """
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile is {percentile}; wanted 0 to 100")
    need_codes(held_out, "held_out")
    need_some_codes(held_out, "held_out")
    scores = ood_scores(bank, held_out, labels, classes, mask=mask)
    known = None if labels is None else host_values(labels)
    return OodDetector(bank, known, accepting(scores, percentile / 100), mask)


def ood_scores(
    bank: Codes, codes: Codes, labels: Any = None, classes: Any = None, *, mask: Mask | None = None
) -> Ints:
    """Return the least Hamming distance of every code to the bank, or to its class's part of it.

    Parameters
    ----------
    bank, codes : Codes of one layout, library and device
    labels : array-like (bank,), optional
    classes : array-like (m,), optional
        Each code's predicted class, one of the labels: only the bank's codes of that class count.

    Returns
    -------
    scores : int64 (m,), units

    Raises
    ------
    TypeError : not Codes, or labels of another kind than integers or strings.
    ValueError : classes without labels, or that no code of the bank has; what `nearest_in_bank`
        raises.

    """
    need_codes(bank, "bank")
    need_codes(codes, "codes")
    if classes is None:
        return to_host(nearest_in_bank(codes, bank, mask=mask).distances).astype(np.int64)
    if labels is None:
        raise ValueError("classes were given without labels, the classes of the bank's codes")
    wanted = host_values(classes)
    if wanted.shape != (len(codes),):
        raise ValueError(f"classes has shape {wanted.shape}; wanted ({len(codes)},), one a code")
    found = nearest_in_bank(codes, bank, labels, mask)
    known = host_values(found.classes)
    missing = np.setdiff1d(wanted, known)
    if len(missing):
        raise ValueError(
            f"classes holds {missing[:5].tolist()}, of which the bank has no code; it has "
            f"{known[:10].tolist()}"
        )
    column = np.searchsorted(known, wanted)
    return to_host(found.distances)[np.arange(len(wanted)), column].astype(np.int64)


def accepting(scores: Ints, share: float) -> int:
    """Return the least of the scores that at least this share of them do not exceed."""
    rank = max(1, int(np.ceil(share * len(scores) - 1e-9)))
    return int(np.partition(scores, rank - 1)[rank - 1])


def auroc(inside: Ints, outside: Ints) -> float:
    """Return the probability that an outer score exceeds an inner one, ties counting half.

    The area under the ROC curve by ranks (Mann and Whitney's U), exact; NaN without scores of a
    kind. O((n + m) log(n + m)).
    """
    if len(inside) == 0 or len(outside) == 0:
        return float("nan")
    ordered = np.sort(inside)
    below, up_to = (np.searchsorted(ordered, outside, side) for side in ("left", "right"))
    return float((below + up_to).sum() / (2 * len(inside) * len(outside)))

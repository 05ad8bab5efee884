"""HDBSCAN of codes, beside the hdbscan package on the matrix of scipy's distances."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import Codes, hdbscan, pack
from ..clustering import Clustering
from .case import Baseline, Case, DisagreementError
from .trained import digit_codes

GROUP = "clustering"


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case; none where the packages to compare with are missing."""
    if find_spec("hdbscan") is None or find_spec("scipy") is None:
        return []
    if quick:
        return [partial(_case, "planted clusters", partial(_planted, 200, 128, 4))]
    return [
        partial(_case, "planted clusters", partial(_planted, 4_000, 3_072, 20)),
        partial(_case, "a trained digits net", partial(_trained, 4_000, 1_024)),
    ]


def _planted(n: int, bits: int, clusters: int) -> Codes:
    """Planted clusters: a tenth of the units of a code differ from its centre's.

    A tenth of the codes lie anywhere.
    """
    rng = np.random.default_rng(0)
    centres = rng.random((clusters, bits)) < 0.5
    share = np.where(np.arange(n) % 10 == 0, 0.5, 0.1)[:, None]
    rows = centres[rng.integers(clusters, size=n)] ^ (rng.random((n, bits)) < share)
    return Codes.from_words(pack(rows), bits)


def _trained(n: int, width: int) -> Codes:
    """Augmented digits in a net of three hidden layers."""
    words = digit_codes("mlp", n, width).numpy()
    return Codes.from_words(words, 3 * width)


def _case(kind: str, make: Callable[[], Codes]) -> Case:
    codes = make()
    rows = codes.bits()
    n, bits = rows.shape
    return Case(
        group=GROUP,
        title=f"HDBSCAN of {n:,} codes of {bits:,} bits, {kind}",
        sizes={"codes": n, "bits": bits, "kind": kind},
        ours=lambda: hdbscan(codes, min_cluster_size=15, min_samples=10),
        baselines=(Baseline("hdbscan on scipy's distances", partial(_brute, rows), _compare),),
    )


def _brute(rows: NDArray[np.bool_]) -> Any:
    from hdbscan import HDBSCAN  # noqa: PLC0415 - an optional dependency
    from scipy.spatial.distance import pdist, squareform  # noqa: PLC0415 - an optional dependency

    distances = squareform(np.rint(pdist(rows, "hamming") * rows.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a name that scikit-learn changed
        return HDBSCAN(metric="precomputed", min_cluster_size=15, min_samples=10).fit(distances)


def _compare(ours: Clustering, theirs: Any) -> str:
    """Weights must be equal; a label may depend on the order of equal ones."""
    weights = np.sort(theirs.single_linkage_tree_.to_numpy()[:, 2])
    if not np.array_equal(ours.spanning_tree.weights, weights):
        raise DisagreementError("the weights of the spanning trees differ")
    found, wanted = (int(labels.max()) + 1 for labels in (ours.labels, theirs.labels_))
    return f"{found} clusters, theirs {wanted}"

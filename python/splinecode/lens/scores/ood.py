"""Out-of-distribution scores by the distance of codes to those of known inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ...arrays import host_values
from ...codes import Codes
from ...masks import Mask
from ...tables import Table, percent
from ..coded import codes_of, need_some_codes
from .detector import Ints, OodDetector, accepting, auroc, fit_ood


@dataclass(frozen=True, eq=False, repr=False)
class Ood(Analysis):
    """What `ood` found; drawn by `splinecode.plots.ood`.

    Attributes
    ----------
    detector : OodDetector
        Its threshold accepts a percentile of the calibration codes.
    calibration, inside, outside : int64 (codes,)
        Scores: of the half of the inside inputs that set the threshold, of the other half, and of
        the outside inputs. Everything below is of the last two.
    bits : int
    auroc : float
        Probability that an outer score exceeds an inner one, ties counting half.
    fpr_95 : float
        Share of the outside inputs that pass as inside at the threshold that accepts 95 % of the
        inside ones.
    accepted_inside, accepted_outside : float
        Shares at the detector's threshold.
    work : "codes of the bank", "codes for calibration", "codes inside", "codes outside",
        "inside codes at distance 0"

    """

    detector: OodDetector
    calibration: Ints
    inside: Ints
    outside: Ints
    bits: int
    auroc: float
    fpr_95: float
    accepted_inside: float
    accepted_outside: float
    work: dict[str, int]

    def tables(self) -> list[Table]:
        """Return the quality of the detector, and the scores of either kind."""
        threshold = f"{self.detector.threshold:,} of {self.bits:,} units"
        quality = [
            ("AUROC", f"{self.auroc:.3f}"),
            ("outside accepted where 95 % of the inside are", percent(self.fpr_95)),
            ("threshold from the calibration", threshold),
            ("inside accepted by it", percent(self.accepted_inside)),
            ("outside accepted by it", percent(self.accepted_outside)),
        ]
        rows = [
            (
                kind,
                f"{len(scores):,}",
                *(f"{q:,.0f}" for q in np.quantile(scores, [0.05, 0.5, 0.95])),
            )
            for kind, scores in (
                ("calibration", self.calibration),
                ("inside", self.inside),
                ("outside", self.outside),
            )
        ]
        header = ("inputs", "number", "5 %", "median", "95 %")
        return [
            Table("out-of-distribution by distance to known codes", ("measure", "value"), quality),
            Table("score: least Hamming distance to the bank", header, rows),
        ]


def ood(
    bank: Any,
    inside: Any,
    outside: Any,
    labels: Any = None,
    *,
    model: Any = None,
    layers: str | Sequence[str] | None = None,
    classes: tuple[Any, Any] | Literal["predicted"] | None = None,
    percentile: float = 95.0,
    mask: Mask | None = None,
    seed: int = 0,
    batch_size: int = 256,
    progress: bool = False,
) -> Ood:
    """Say how well the distance to known codes tells inputs of another distribution.

    Parameters
    ----------
    bank, inside, outside : Codes; or, with a model, arrays or iterables of batches
        Known inputs, such as those trained on; new ones of the same distribution, at least 2;
        ones of another.
    labels : array-like (bank,), optional
        The class of each code of the bank; a loader of (batch, labels) pairs gives them too.
    model : torch.nn.Module in evaluation mode, or what torch.export made of one, optional
    layers : glob or globs, optional
    classes : two array-likes, (inside,) and (outside,), or "predicted", optional
        Classes that the model predicts: an input is then compared with the bank's codes of its
        class alone, as monitors do. Needs labels. "predicted": the place of the model's largest
        output, taken from the same pass; labels are then such places.
    percentile : float
        Share of the calibration codes that the detector must accept, in percent.
    mask : as in `nearest_in_bank`, optional
    seed : int
        Of the halves of the inside inputs: one sets the threshold, the other is reported.
    batch_size, progress : as in `spline_codes`

    Returns
    -------
    Ood

    Raises
    ------
    TypeError, ValueError, KeyError : fewer than 2 codes inside, or none outside; what `fit_ood`
        and `spline_codes` raise.

    Notes
    -----
    AUROC and the false positive rate need no threshold and are exact. Inputs of the bank among the
    inside ones would have distance 0: `work` counts how many have.
    O((inside + outside) bank words).

    """
    options: dict[str, Any] = {"layers": layers, "batch_size": batch_size, "progress": progress}
    known, labels, _ = _batch(bank, "bank", model, labels, None, options)
    of_inside, of_outside = (classes,) * 2 if isinstance(classes, str) else classes or (None, None)
    new, _, of_new = _batch(inside, "inside", model, None, of_inside, options)
    other, _, of_other = _batch(outside, "outside", model, None, of_outside, options)
    if len(new) < 2:
        raise ValueError(
            f"inside has {len(new)} codes; wanted at least 2, to calibrate and to test"
        )
    order = np.random.default_rng(seed).permutation(len(new))
    halves = np.sort(order[: len(new) // 2]), np.sort(order[len(new) // 2 :])
    calibrating, tested = ((new[rows], None if of_new is None else of_new[rows]) for rows in halves)
    detector = fit_ood(
        known, calibrating[0], labels, calibrating[1], percentile=percentile, mask=mask
    )
    calibration = detector.score(*calibrating)
    inner, outer = detector.score(*tested), detector.score(other, of_other)
    return Ood(
        detector,
        calibration,
        inner,
        outer,
        known.n_bits,
        auroc(inner, outer),
        float((outer <= accepting(inner, 0.95)).mean()),
        float((inner <= detector.threshold).mean()),
        float((outer <= detector.threshold).mean()),
        {
            "codes of the bank": len(known),
            "codes for calibration": len(calibration),
            "codes inside": len(inner),
            "codes outside": len(outer),
            "inside codes at distance 0": int((inner == 0).sum()),
        },
    )


def _batch(
    given: Any, name: str, model: Any, labels: Any, classes: Any, options: dict[str, Any]
) -> tuple[Codes, NDArray[Any] | None, NDArray[Any] | None]:
    """Return codes, and labels and predicted classes where there are any."""
    if isinstance(given, Codes):
        if isinstance(classes, str):
            raise ValueError(f"classes is {classes!r} but {name} are codes, which predict none")
        codes, labels = codes_of(given, None, labels, **options)
    elif model is None:
        raise TypeError(f"{name} is a {type(given).__name__}; wanted Codes, or inputs and model=")
    elif isinstance(classes, str):
        codes, labels, classes = _predicted(given, model, classes, options)
    else:
        codes, labels = codes_of(model, given, labels, **options)
    need_some_codes(codes, name)
    return codes, labels, _checked_classes(classes, len(codes), name)


def _predicted(
    inputs: Any, model: Any, classes: str, options: dict[str, Any]
) -> tuple[Codes, NDArray[Any] | None, NDArray[Any]]:
    from ..models import module_of  # noqa: PLC0415 - it loads torch
    from ..outputs import keeping_outputs  # noqa: PLC0415

    if classes != "predicted":
        raise ValueError(f"classes is {classes!r}; wanted 'predicted', two arrays or None")
    model = module_of(model)
    with keeping_outputs(model) as kept:
        codes, labels = codes_of(model, inputs, None, **options)
    return codes, labels, np.concatenate([part.numpy() for part in kept]).argmax(axis=1)


def _checked_classes(classes: Any, n: int, name: str) -> NDArray[Any] | None:
    if classes is None:
        return None
    values = host_values(classes)
    if values.shape != (n,):
        raise ValueError(
            f"classes of {name} have shape {values.shape}; wanted ({n},), one an input"
        )
    return values

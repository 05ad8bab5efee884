"""What the examples share: options, data sets, nets, intervals over nets, verdicts."""

from __future__ import annotations

import argparse
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from scipy import stats
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn

from splinecode.demo import models
from splinecode.demo.figures import write_png
from splinecode.demo.report import Report

__all__ = ["Data", "Interval", "Options", "Report", "breast_cancer", "digits", "mlp", "options"]


@dataclass(frozen=True)
class Options:
    """What the command line says: a few seconds instead of minutes, where figures go, the seed."""

    quick: bool
    output: Path
    seed: int


def options(text: str | None) -> Options:
    """Read the command line of an example, whose docstring is the help; none in a notebook."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="seconds: too small to conclude from")
    parser.add_argument("--output", type=Path, default=Path("examples-output"), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="of data, nets and samples")
    read = parser.parse_args([] if "ipykernel" in sys.modules else None)
    read.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # nets this small gain nothing from more
    return Options(read.quick, read.output, read.seed)


@dataclass(frozen=True)
class Data:
    """A data set: float32 (n, features) and int64 (n,), for training and held out."""

    name: str
    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.y.max()) + 1


def digits(seed: int) -> Data:
    """Load scikit-learn's 1,797 handwritten digits: 64 pixels from 0 to 1, ten classes."""
    found = models.digits(seed)
    x = found.images.flatten(1)
    return _split("digits", x, found.labels, found.test)


def breast_cancer(seed: int) -> Data:
    """Load scikit-learn's 569 breast tumours: 30 standardised measures, malignant or benign."""
    measures, labels = load_breast_cancer(return_X_y=True)
    y = torch.from_numpy(labels.astype(np.int64))
    test = torch.zeros(len(y), dtype=torch.bool)
    test[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))[: len(y) // 3]] = (
        True
    )
    x = torch.from_numpy(measures.astype(np.float32))
    x = (x - x[~test].mean(dim=0)) / x[~test].std(dim=0)
    return _split("breast cancer", x, y, test)


def _split(name: str, x: Tensor, y: Tensor, test: Tensor) -> Data:
    return Data(name, x[~test], y[~test], x[test], y[test])


def mlp(widths: Sequence[int], *, bias: bool = True) -> nn.Sequential:
    """Make an MLP of ReLUs; its modules are fc1, relu1, ..., out."""
    parts: list[tuple[str, nn.Module]] = []
    for i, (wide, narrow) in enumerate(pairwise(widths[:-1]), start=1):
        parts += [(f"fc{i}", nn.Linear(wide, narrow, bias=bias)), (f"relu{i}", nn.ReLU())]
    parts.append(("out", nn.Linear(widths[-2], widths[-1], bias=bias)))
    return nn.Sequential(OrderedDict(parts))


def fitted(
    data: Data, hidden: Sequence[int], epochs: int, seed: int, *, bias: bool = True
) -> nn.Sequential:
    """Train an MLP on a data set with Adam; with 0 epochs it stays as initialised."""
    widths = (data.x.shape[1], *hidden, data.classes)
    return models.fit(lambda: mlp(widths, bias=bias), data.x, data.y, epochs, seed)


class Interval(NamedTuple):
    """A mean over nets and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    @property
    def above_0(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of a number that each net gave, with Student's interval.

    Nets are what is drawn at random here; pairs and inputs of one net are not independent.
    """
    found = np.asarray(values, np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(stats.t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return Interval(mean, mean - half, mean + half)


def ratio_interval(values: Sequence[float]) -> Interval:
    """Return the geometric mean of ratios, with the interval of their logarithms."""
    return Interval(*(float(np.exp(end)) for end in interval(np.log(values).tolist())))


def verdict(
    report: Report, finding: str, evidence: Sequence[tuple[str, object, bool]], *, quick: bool
) -> None:
    """Say whether a finding showed up: it did if every condition, fixed beforehand, holds."""
    report.step(f"finding: {finding}")
    for condition, value, holds in evidence:
        report.line(f"{'yes' if holds else 'no':>3}  {condition}: {value}")
    showed = all(holds for *_, holds in evidence)
    note = " (of no weight: --quick is too small to conclude from)" if quick else ""
    report.line(f"=> {'SHOWED UP' if showed else 'DID NOT SHOW UP'}{note}")


def save(ax: Axes, path: Path, report: Report) -> None:
    """Write the figure that axes belong to as a PNG."""
    write_png(ax.figure, path)
    report.line(f"figure: {path}")

"""A section of the report: an analysis, its figure, how to read it, and what the paper claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor, nn

from ..analysis import Analysis
from ..lens.subjects import network_of
from ..network import Network

Labels = np.ndarray[Any, Any]


class Skipped(Exception):  # noqa: N818  # no error: the report says why a section is left out
    """An analysis does not apply; the message is the reason."""


def failure(error: Exception) -> str:
    """Return what to say of an error that nobody expected: its type and message, a sentence."""
    text = f"{type(error).__name__}: {error}".rstrip(" .:")
    return f"{text}."


@dataclass(frozen=True)
class Subject:
    """What a report is about: a model, inputs (n, ...) and perhaps labels; and how to work."""

    model: nn.Module
    inputs: Tensor
    labels: Labels | None
    seed: int
    quick: bool
    progress: bool

    @cached_property
    def _read(self) -> Network | str:
        if not self.inputs.is_floating_point():
            return f"These inputs have dtype {self.inputs.dtype}, and nothing lies between them"
        try:
            return network_of(self.model, self.inputs)
        except (TypeError, ValueError) as error:  # UnsupportedNetworkError, several outputs, ...
            return str(error)

    def network(self) -> Network:
        """Return the model as a piecewise-linear network; raise `Skipped` if it is not read so."""
        if isinstance(self._read, str):
            raise Skipped(f"exact analyses need a piecewise-linear network. {self._read}")
        return self._read

    def network_or_none(self) -> Network | None:
        """Return the model as a piecewise-linear network, None if it is not read so."""
        return None if isinstance(self._read, str) else self._read

    def known_labels(self) -> Labels:
        """Return the labels; raise `Skipped` where there are none, or of one class only."""
        if self.labels is None:
            raise Skipped("it compares classes, and no labels were given")
        if len(np.unique(self.labels)) < 2:
            raise Skipped("it compares classes, and all labels are the same")
        return self.labels

    def labels_or_none(self) -> Labels | None:
        """Return the labels if they are of at least two classes, else None."""
        try:
            return self.known_labels()
        except Skipped:
            return None

    def size(self, full: int, quick: int) -> int:
        """Return how much to do: `full`, or `quick` in a quick report."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Claim:
    """What the paper says, whether it shows here (None: open), and the numbers for it."""

    paper: str
    shows: bool | None
    here: str


@dataclass(frozen=True)
class Viewer:
    """An interactive viewer: its kind, and its data as `packing.script_json` takes it."""

    kind: str
    data: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """One analysis in the report.

    Attributes
    ----------
    name : str
        How `lens_report(analyses=...)` calls it, and its anchor in the page.
    title : str
    question : str
        What it asks, in a sentence.
    reading : str
        How to read the figure.
    run : function of the `Subject`
        Raises `Skipped` where the analysis does not apply.
    figure : function of the result, which returns Axes, optional
    claim : function of the result, optional
    viewer : Viewer, optional
    themed : bool
        The figure takes the page's colours; False where it has colours of its own that would not
        go with a dark page.

    """

    name: str
    title: str
    question: str
    reading: str
    run: Callable[[Subject], Analysis]
    figure: Callable[[Any], Any] | None = None
    claim: Callable[[Any], Claim | None] | None = None
    viewer: Viewer | None = None
    themed: bool = True


@dataclass(frozen=True)
class Outcome:
    """A section that was run, with its result; or with the reason why there is none."""

    section: Section
    result: Analysis | None
    reason: str
    seconds: float

"""Kinks with the pattern of n points held fixed: affine maps, one for each point.

Rows are (n, k, units): k rows for each of n points. A first axis of 1 stands for rows that are the
same for every point. A kink's *forms* are the linear functions whose signs are its bits: z minus a
threshold, or an element of a window minus the element chosen there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..steps import Kink, MaxWindows, Pieces


@dataclass(frozen=True)
class FixedPieces:
    """`Pieces` with the piece of every unit fixed at every point."""

    step: Pieces
    bits: Tensor  # bool (n, bits)

    @property
    def bounds(self) -> Tensor:
        """Which bits have a form, bool (n, bits): all."""
        return torch.ones_like(self.bits)

    def linear(self, rows: Tensor) -> Tensor:
        """Map differences of inputs to those of outputs; its own transpose."""
        return rows * self._of_piece(self.step.slopes)

    transposed = linear

    def affine(self, rows: Tensor) -> Tensor:
        """Map points."""
        return self.linear(rows) + self._of_piece(self.step.intercepts)

    def _of_piece(self, values: Tensor) -> Tensor:
        """Choose from (k + 1, units) for every point and unit: (n, 1, units)."""
        thresholds, units = self.step.thresholds.shape
        piece = self.bits.reshape(len(self.bits), units, thresholds).sum(dim=2)
        return values.gather(0, piece).unsqueeze(1)

    def forms(self, rows: Tensor) -> Tensor:
        """Return the linear parts of the forms, (n, k, bits)."""
        return rows.repeat_interleave(len(self.step.thresholds), dim=2)

    def forms_at(self, points: Tensor) -> Tensor:
        """Return the forms at points (n, k, units), (n, k, bits)."""
        return self.forms(points) - self.step.thresholds.T.flatten()

    def transposed_forms(self, rows: Tensor) -> Tensor:
        """Apply the transpose of `forms`."""
        of_units: Tensor = rows.unflatten(2, (-1, len(self.step.thresholds)))
        return of_units.sum(dim=3)


@dataclass(frozen=True)
class FixedMax:
    """`MaxWindows` with the element of every window fixed at every point."""

    step: MaxWindows
    chosen: Tensor  # int64 (n, windows), an element
    units: int

    @property
    def bits(self) -> Tensor:
        """The code, bool (n, bits)."""
        return (self._elements == self.chosen[:, :, None]).flatten(1)

    @property
    def bounds(self) -> Tensor:
        """Which bits have a form, bool (n, bits): not those of chosen elements and of padding."""
        return ~self.bits & (self.step.index >= 0).flatten()

    @property
    def _elements(self) -> Tensor:
        return torch.arange(self.step.index.shape[1])

    @property
    def _winners(self) -> Tensor:
        """The unit that every window takes, int64 (n, windows)."""
        windows = self.step.index.expand(len(self.chosen), -1, -1)
        return windows.gather(2, self.chosen[:, :, None])[:, :, 0]

    @property
    def _rivals(self) -> Tensor:
        """The units of every window, the winner for padding: int64 (n, bits)."""
        winners = self._winners[:, :, None]
        return torch.where(self.step.index < 0, winners, self.step.index).flatten(1)

    def linear(self, rows: Tensor) -> Tensor:
        """Map differences of inputs to those of outputs."""
        return _gathered(rows, self._winners)

    affine = linear

    def transposed(self, rows: Tensor) -> Tensor:
        """Apply the transpose of `linear`."""
        return _scattered(rows, self._winners, self.units)

    def forms(self, rows: Tensor) -> Tensor:
        """Return element minus chosen element, (n, k, bits): exactly 0 where there is no form."""
        size = self.step.index.shape[1]
        winners = _gathered(rows, self._winners).repeat_interleave(size, dim=2)
        return _gathered(rows, self._rivals) - winners

    forms_at = forms

    def transposed_forms(self, rows: Tensor) -> Tensor:
        """Apply the transpose of `forms`."""
        of_windows = rows.unflatten(2, (-1, self.step.index.shape[1])).sum(dim=3)
        plus = _scattered(rows, self._rivals, self.units)
        return plus - self.transposed(of_windows)


Pattern = FixedPieces | FixedMax


def fixed(
    step: Kink, points: Tensor, slopes: Tensor | None = None, slack: Tensor | None = None
) -> Pattern:
    """Fix the pattern at points (n, units), or just ahead of them.

    Parameters
    ----------
    step : the kink
    points : values at n points
    slopes : (n, units), optional
        How fast the values change along a ray from each point. What is on a boundary is then taken
        as it is just ahead: a bit by the sign of its form's slope, a window by the largest slope of
        those that tie. None: `Network.codes`'s convention, inactive, and the lowest of ties.
    slack : (n, units), optional
        What the values may be off by and still count as on a boundary.

    """
    if isinstance(step, Pieces):
        return FixedPieces(step, _bits(step, points, slopes, slack))
    return FixedMax(step, _chosen(step, points, slopes, slack), points.shape[1])


def _bits(step: Pieces, points: Tensor, slopes: Tensor | None, slack: Tensor | None) -> Tensor:
    forms = points[:, :, None] - step.thresholds.T
    on = forms > 0
    if slopes is not None:
        edge = forms == 0 if slack is None else forms.abs() <= slack[:, :, None]
        on = torch.where(edge, slopes[:, :, None] > 0, on)
    return on.flatten(1)


def _chosen(
    step: MaxWindows, points: Tensor, slopes: Tensor | None, slack: Tensor | None
) -> Tensor:
    padding, index = step.index < 0, step.index.clamp(min=0)
    elements = points[:, index].masked_fill(padding, -torch.inf)
    if slopes is None:
        return elements.argmax(dim=2)
    largest = elements.amax(dim=2, keepdim=True)
    ties = elements == largest
    if slack is not None:
        winner = elements.argmax(dim=2, keepdim=True)
        width = slack[:, index] + slack[:, index].gather(2, winner)
        ties = elements >= largest - width
    return slopes[:, index].masked_fill(~ties, -torch.inf).argmax(dim=2)


def _gathered(rows: Tensor, index: Tensor) -> Tensor:
    """Take units index (n, m) of rows (n or 1, k, units): (n, k, m)."""
    n, k = len(index), rows.shape[1]
    return rows.expand(n, -1, -1).gather(2, index[:, None].expand(-1, k, -1))


def _scattered(rows: Tensor, index: Tensor, units: int) -> Tensor:
    """Undo `_gathered`, adding up: (n, k, units)."""
    n, k = len(index), rows.shape[1]
    out = rows.new_zeros(n, k, units)
    return out.scatter_add_(2, index[:, None].expand(-1, k, -1), rows.expand(n, -1, -1))

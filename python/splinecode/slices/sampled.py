"""Sampled slices: the codes at a grid of points, for networks that are not piecewise linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..analysis import Analysis
from ..arrays import Array, to_host
from ..capture import spline_codes
from ..codes import Codes
from ..hamming import hamming
from ..progress import progress_bar
from ..tables import Table
from .plane import Floats, Plane, plane_through
from .result import Whole


@dataclass(frozen=True, eq=False, repr=False)
class SampledSlice2D(Analysis):
    """The codes at a grid of sampled points of a plane: an approximation, never a partition.

    Regions narrower than the grid are missed, and what lies between two points is not known. The
    figure is `plots.sampled_slice_2d`.

    Attributes
    ----------
    plane : Plane
    u, v : float64 (columns,), (rows,), the middles of the pixels
    regions : int64 (rows, columns)
        The number of the sampled code at each point: a row of `codes`.
    codes : Codes, the distinct sampled codes
    counts : int64 (codes,), how many points have each
    work : counts of what was computed

    """

    plane: Plane
    u: Floats
    v: Floats
    regions: Whole
    codes: Codes
    counts: Whole
    work: dict[str, int]

    def transitions(self) -> tuple[Whole, Whole]:
        """Count the bits that differ between neighbouring points: along u and along v.

        int64 (rows, columns - 1) and (rows - 1, columns): sampled transitions, not crossings. The
        codes of two rows at a time are in memory.
        """
        rows, columns = self.regions.shape
        along_u = np.empty((rows, columns - 1), np.int64)
        along_v = np.empty((rows - 1, columns), np.int64)
        before = None
        for row, regions in enumerate(self.regions):
            words = self.codes.words[regions]
            along_u[row] = hamming(words[1:], words[:-1])
            if before is not None:
                along_v[row - 1] = hamming(words, before)
            before = words
        return along_u, along_v

    def tables(self) -> Sequence[Table]:
        """Return the sampled codes and the sampled transitions."""
        along_u, along_v = self.transitions()
        rows = [
            ["sampled points", f"{self.regions.size:,}"],
            ["distinct sampled codes", f"{len(self.codes):,}"],
            ["codes of one point", f"{int((self.counts == 1).sum()):,}"],
            ["sampled transitions along u", f"{int(along_u.sum()):,}"],
            ["sampled transitions along v", f"{int(along_v.sum()):,}"],
        ]
        return [Table("sampled slice (a grid of points, not exact)", ["quantity", "value"], rows)]


def sampled_slice_2d(
    model: nn.Module,
    p0: Array,
    p1: Array,
    p2: Array,
    extent: Sequence[float] = (-0.25, 1.25, -0.25, 1.25),
    *,
    resolution: tuple[int, int] = (256, 256),
    layers: str | Sequence[str] | None = None,
    batch_size: int = 4096,
    progress: bool = False,
) -> SampledSlice2D:
    """Sample the spline codes of any torch model at a grid of points of a plane.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, on the CPU
    p0, p1, p2, extent : as for `slice_2d`
        Points are taken to the dtype of the model's parameters.
    resolution : (columns, rows) of pixels, whose middles are sampled
    layers : as for `spline_codes`
    batch_size : int, points in a forward pass
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    slice : SampledSlice2D, drawn by `splinecode.plots.sampled_slice_2d`

    Raises
    ------
    TypeError, ValueError : as `slice_2d` for the plane, and as `spline_codes`; a resolution or
        batch size below 1.

    Notes
    -----
    A forward pass for each point. Memory for the packed codes of all points.

    """
    columns, rows = resolution
    if columns < 1 or rows < 1 or batch_size < 1:
        raise ValueError(
            f"resolution is {resolution} and batch_size {batch_size}; wanted at least 1 of each"
        )
    plane = plane_through(p0, p1, p2, extent)
    u_min, u_max, v_min, v_max = plane.extent
    u, v = _middles(u_min, u_max, columns), _middles(v_min, v_max, rows)
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float64)
    parts = []
    with progress_bar(len(grid), "points", progress) as advance:
        for start in range(0, len(grid), batch_size):
            points = torch.from_numpy(plane.points(grid[start : start + batch_size])).to(dtype)
            found = spline_codes(model, points, layers, batch_size=batch_size)
            parts.append(Codes._trusted(to_host(found.words), found.layers))
            advance(len(points))
    codes, inverse, counts = Codes.concatenate(parts).unique()
    work = {"sampled points": len(grid), "forward passes": len(grid), "distinct codes": len(codes)}
    return SampledSlice2D(plane, u, v, inverse.reshape(rows, columns), codes, counts, work)


def _middles(low: float, high: float, n: int) -> Floats:
    found: Floats = low + (high - low) * (np.arange(n) + 0.5) / n
    return found

"""Packing pre-activations on a GPU, beside torch's shifts and the reading of the input."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ... import pack, reference
from ...arrays import dtype_name
from ..case import Baseline, Case, DisagreementError, Floor, Rate
from . import baselines
from .checks import need_equal, some
from .place import Place

GROUP = "packing"
_UNITS = 4096
_BYTES = 2 << 30
_TORCH_SCRATCH = 4
"""Times the units, in bytes: what the baselines allocate beside their input."""


def cases(place: Place, quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    units = 192 if quick else _UNITS
    return [
        partial(_case, place, 64 if quick else _BYTES // (units * _size(dtype)), units, dtype)
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool)
    ]


def _size(dtype: torch.dtype) -> int:
    return torch.empty(0, dtype=dtype).element_size()


def _case(place: Place, rows: int, units: int, dtype: torch.dtype) -> Case:
    rows = place.fitting(rows, units * (_size(dtype) + _TORCH_SCRATCH))
    z = _drawn(place, rows, units, dtype)
    size = z.numel() * z.element_size()

    def check(ours: Tensor) -> None:
        chosen = some(rows)
        need_equal("words", ours.cpu()[chosen], pack(z[chosen.to(z.device)].cpu()))

    return Case(
        group=GROUP,
        title=f"packing {dtype_name(z)}, {rows:,} x {units:,}",
        sizes={"rows": rows, "units": units, "dtype": dtype_name(z), "bytes": size},
        ours=lambda: pack(z),
        baselines=(
            Baseline("torch, one product a byte", lambda: reference.pack_torch(z), _compare),
            Baseline("torch, shift-or", lambda: baselines.pack_by_shifts(z), _compare),
        ),
        rate=Rate(size / 1e9, "GB/s in"),
        floor=Floor("reading the input (torch.sum)", lambda: z.view(torch.float32).sum()),
        check=check,
        needs={"read": size},
    )


def _drawn(place: Place, rows: int, units: int, dtype: torch.dtype) -> Tensor:
    """Draw standard normal values, by blocks of rows, so that no float32 of all is in memory."""
    z = torch.empty(rows, units, dtype=dtype, device=place.device)
    for part in z.split(4096):
        drawn = torch.randn(part.shape, device=place.device)
        part.copy_(drawn > 0 if dtype == torch.bool else drawn)
    return z


def _compare(ours: Tensor, theirs: Tensor) -> str:
    ours_bytes = ours.view(torch.uint8)
    if ours_bytes.shape != theirs.shape:
        raise DisagreementError(f"shapes {tuple(ours_bytes.shape)} and {tuple(theirs.shape)}")
    if wrong := int((ours_bytes != theirs).sum()):
        raise DisagreementError(f"{wrong:,} of {theirs.numel():,} packed bytes differ")
    return ""

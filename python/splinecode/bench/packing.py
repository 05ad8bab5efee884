"""Packing pre-activations into bits."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from .. import pack, reference
from ..arrays import Array, as_numpy, dtype_name
from .case import Baseline, Case, DisagreementError, Floor, Rate

GROUP = "packing"


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    rows, units, few_rows = (64, 192, 16) if quick else (16_384, 4_096, 256)
    return [
        *(
            partial(_case, rows, units, dtype)
            for dtype in (torch.float32, torch.float16, torch.bfloat16)
        ),
        partial(_case, few_rows, units, torch.float32, "in a cache"),
        partial(_case, rows, units, torch.float32, "column-major"),
    ]


def _case(rows: int, units: int, dtype: torch.dtype, remark: str = "") -> Case:
    z = torch.randn(rows, units, generator=torch.Generator().manual_seed(0)).to(dtype)
    if remark == "column-major":
        z = z.T.contiguous().T
    baselines = [Baseline("torch", lambda: reference.pack_torch(z), _compare)]
    if dtype == torch.float32:  # numpy has no bfloat16, and compares float16 one by one
        baselines.append(Baseline("numpy packbits, 1 thread", partial(_packbits, z), _compare))
    bytes_read = z.numel() * z.element_size()
    return Case(
        group=GROUP,
        title=f"packing {dtype_name(z)}, {rows:,} x {units:,}" + (remark and f", {remark}"),
        sizes={"rows": rows, "units": units, "dtype": dtype_name(z), "bytes": bytes_read},
        ours=lambda: pack(z),
        baselines=tuple(baselines),
        rate=Rate(bytes_read / 1e9, "GB/s in"),
        floor=Floor("reading the input (torch.sum)", partial(_read, z)),
    )


def _packbits(z: Tensor) -> Array:
    return np.packbits(as_numpy(z, "z") > 0, axis=-1, bitorder="little")


def _read(z: Tensor) -> Tensor:
    """Read every byte; of the halves, two are read as one float32 and the sum has no meaning."""
    return z.view(torch.float32).sum()


def _compare(ours: Tensor, theirs: Array) -> str:
    ours_bytes, theirs_bytes = ours.view(torch.uint8), torch.as_tensor(theirs)
    if ours_bytes.shape != theirs_bytes.shape:
        raise DisagreementError(f"shapes {ours_bytes.shape} and {theirs_bytes.shape}")
    if wrong := int((ours_bytes != theirs_bytes).sum()):
        raise DisagreementError(f"{wrong:,} of {ours_bytes.numel():,} packed bytes differ")
    return ""

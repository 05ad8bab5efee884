"""The crossings of segments whose ends are on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from ...network import Network
from ..result import Swept
from .join import joined, nothing
from .layout import layout_of
from .tracks import sweep_tracks


def free_share(device: torch.device) -> int:
    """Return half of the bytes that are free on a device, those that torch keeps with them."""
    free, _ = torch.cuda.mem_get_info(device)
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (free + kept) // 2


def sweep_on_gpu(
    network: Network, a: Tensor, b: Tensor, max_memory: int, dtype: torch.dtype
) -> Swept:
    """Sweep the segments a to b, float64 (segments, units), with values of `dtype`.

    Works on the current stream of their device. Raises MemoryError, and ValueOverflowError with the
    number of a node.
    """
    products = full_products() if dtype == torch.float32 else nullcontext()
    with torch.no_grad(), torch.cuda.device(a.device), products:
        try:
            layout = layout_of(network, a.device, dtype)
            if not len(a):
                return nothing(layout)
            return joined(layout, len(a), sweep_tracks(layout, a, b, max_memory))
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryError(
                f"the crossings of {len(a):,} segments, or the network, do not fit on {a.device} "
                f"({error}): ask about fewer segments at a time, as iter_crossings does"
            ) from None


@contextmanager
def full_products() -> Iterator[None]:
    """Let products of float32 be what they are called: the bounds do not hold for TF32."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # it was set by the interface of newer versions; the two must not be mixed
        matmul = torch.backends.cuda.matmul
        newer, matmul.fp32_precision = matmul.fp32_precision, "ieee"
        try:
            yield
        finally:
            matmul.fp32_precision = newer
        return
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)

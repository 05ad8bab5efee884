"""What codes were made from, told apart by hashes: the model, the inputs."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .batches import Batch
from .running import Run

_SAMPLED = 256
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def source_of(run: Run) -> dict[str, Any]:
    """Return what a store keeps of where its codes came from, in JSON's types."""
    layers = run.layers if run.layers is None or isinstance(run.layers, str) else list(run.layers)
    kind = type(run.model)
    return {
        "model": f"{kind.__module__}.{kind.__qualname__}",
        "model_hash": model_hash(run.model),
        "layers": layers,
        "positions": str(run.positions),
    }


def model_hash(model: nn.Module) -> str:
    """Return SHA-256 of a model: its modules as they print, all parameters and buffers.

    And the functions that modules hold as attributes, such as an activation, by name. The code of
    ``forward`` is not looked at. A model on a GPU is read through the host, a tensor at a time.
    """
    digest = hashlib.sha256(_plain(model))
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if inspect.isroutine(value) or isinstance(value, partial):
                digest.update(f"{path}.{name} ".encode() + _plain(value))
    for name, tensor in _tensors(model):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor.detach().reshape(-1)))
    return digest.hexdigest()


def _plain(value: Any) -> bytes:
    """Return what is printed of something, without its addresses in memory."""
    return _ADDRESS.sub("", repr(value)).encode()


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _bytes(tensor: Tensor) -> Any:
    return tensor.cpu().contiguous().view(torch.uint8).numpy()


def fingerprints(batch: Batch) -> np.ndarray[Any, Any]:
    """Return a hash of every input, uint64 (inputs,), of up to `_SAMPLED` or so values of each.

    The values are evenly spaced. It tells other data or another order, not a changed value.
    """
    digests = [hashlib.blake2b(digest_size=8) for _ in range(batch.size)]
    for tensor in batch.tensors():
        flat = tensor.detach().reshape(batch.size, -1)
        sample = flat[:, :: max(1, flat.shape[1] // _SAMPLED)]
        for digest, values in zip(digests, _bytes(sample), strict=True):
            digest.update(values)
    return np.frombuffer(b"".join(digest.digest() for digest in digests), "<u8")

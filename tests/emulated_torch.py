"""Torch tensors on host memory that pass for a GPU's, beside a build with emulated kernels.

They refuse what torch refuses: tensors of two devices in one operation, numpy, and uint64 in most
operations on a GPU.
"""

import contextlib
import math
import types

import torch
from torch.overrides import TorchFunctionMode

from emulated_cupy import DLPACK_CUDA, Device, device_capsule, waits

_DEVICE = torch.device("cuda", 0)
_NO_WORDS = {
    *("__and__", "bitwise_and", "__iand__", "__or__", "__xor__", "__lshift__", "__rshift__"),
    *("__getitem__ by a tensor", "__setitem__ by a tensor", "cat", "concatenate", "stack", "sort"),
    *("argsort", "gather", "any", "all", "sum", "cumsum", "nonzero"),
}
_WAITING = {"__bool__", "__int__", "__float__", "__index__", "item", "tolist", "nonzero", "cpu"}


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


current_device = [1]
"""The last one is current; the first is not the one that the tensors are on."""


class CudaTensor(torch.Tensor):
    """A tensor on "cuda:0"."""

    device = property(lambda self: _DEVICE)
    is_cuda = property(lambda self: True)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        taking = list(_tensors((args, tuple((kwargs or {}).values()))))
        if name in ("__getitem__", "__setitem__"):
            index = list(_tensors([args[1]]))
            name += " by a tensor" if index else ""
            if any(one.dtype == torch.bool for one in index):
                waits.append("bool index")
        if name in _WAITING:
            waits.append(name)
        if name in _NO_WORDS and any(one.dtype == torch.uint64 for one in taking[:2]):
            raise NotImplementedError(f"{name} is not implemented for 'UInt64' on a GPU")
        if name != "copy_" and any(not isinstance(one, cls) and one.ndim for one in taking):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")
        return super().__torch_function__(func, types, args, kwargs)

    def on_host(self):
        with torch._C.DisableTorchFunctionSubclass():
            return self.as_subclass(torch.Tensor)

    def cpu(self):
        waits.append("cpu")
        return self.on_host().clone()

    def numpy(self):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __array__(self, *_):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __dlpack_device__(self):
        return DLPACK_CUDA, 0

    def __dlpack__(self, *, stream=None):
        if current_device[-1] != self.device.index:
            raise BufferError("Can't export tensors on a different CUDA device index")
        return device_capsule(self.on_host(), stream, 0)


class _Cuda(TorchFunctionMode):
    """Makes tensors on a GPU where one is asked for."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.empty and _is_cuda(kwargs.get("device")):
            kwargs.pop("device")
            shape = args[0] if isinstance(args[0], tuple) else args
            wanted = math.prod(shape) * kwargs.get("dtype", torch.float32).itemsize
            if wanted > Device.free_bytes:
                raise torch.cuda.OutOfMemoryError(f"CUDA out of memory. Tried {wanted} bytes")
            return func(*args, **kwargs).as_subclass(CudaTensor)
        if func is torch.Tensor.to and len(args) > 1 and _is_cuda(args[1]):
            return args[0].clone().as_subclass(CudaTensor)
        return func(*args, **kwargs)


def _is_cuda(device):
    return device is not None and not isinstance(device, torch.dtype) and "cuda" in str(device)


@contextlib.contextmanager
def _current(device):
    """torch.cuda.device: torch lends tensors of the current device alone."""
    current_device.append(torch.device(device).index)
    try:
        yield
    finally:
        current_device.pop()


@contextlib.contextmanager
def on_gpu(monkeypatch):
    """Let torch have a GPU inside a ``with`` block."""
    stream = types.SimpleNamespace(cuda_stream=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: stream)
    monkeypatch.setattr(torch.cuda, "device", _current)
    with _Cuda():
        yield

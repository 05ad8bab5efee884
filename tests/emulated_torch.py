"""Torch tensors on host memory that pass for a GPU's, beside a build with emulated kernels.

They refuse what torch refuses: tensors of two devices in one operation, numpy, and uint64 in most
operations on a GPU.
"""

import contextlib
import types

import torch
from torch.overrides import TorchFunctionMode

from emulated_cupy import DLPACK_CUDA, Device, Stream, device_capsule, waits

_DEVICE = torch.device("cuda", 0)
_NO_WORDS = {
    *("__and__", "bitwise_and", "__iand__", "__or__", "__xor__", "__lshift__", "__rshift__"),
    *("__getitem__ by a tensor", "__setitem__ by a tensor", "cat", "concatenate", "stack", "sort"),
    *("argsort", "gather", "any", "all", "sum", "cumsum", "nonzero", "index_select", "index_add_"),
    *("scatter_", "where", "roll", "repeat_interleave"),
}
_WAITING = {
    *("__bool__", "__int__", "__float__", "__index__", "item", "tolist", "nonzero", "cpu"),
    *("argwhere", "masked_select", "unique", "unique_consecutive", "bincount", "equal", "allclose"),
    *("__contains__", "__format__"),
}
_VIEWS = {"__get__", "as_subclass", "view", "reshape", "__len__"}
"""What queues nothing."""
_SIZED = {"repeat_interleave": "output_size", "segment_reduce": "unsafe"}
"""What waits unless it is told this."""


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


current_device = [1]
"""The last one is current; the first is not the one that the tensors are on."""
current_stream = [0]
"""The last one is current: its pointer, 0 for the default."""


def _need_stream(name):
    """Refuse work beside a stream that is current in cupy: whoever set one means it to be used."""
    wanted = Stream.current or current_stream[-1]
    assert current_stream[-1] == wanted, f"{name} is queued on another stream than cupy's"


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
        if name not in _VIEWS:
            _need_stream(name)
        if name in _WAITING or _SIZED.get(name) not in (None, *(kwargs or ())):
            waits.append(name)
        if name in _NO_WORDS and any(one.dtype == torch.uint64 for one in taking[:2]):
            raise NotImplementedError(f"{name} is not implemented for 'UInt64' on a GPU")
        if name != "copy_" and any(not isinstance(one, cls) and one.ndim for one in taking):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")
        made = super().__torch_function__(func, types, args, kwargs)
        return _with_room(made) if name.startswith("new_") or name.endswith("_like") else made

    def on_host(self):
        with torch._C.DisableTorchFunctionSubclass():
            return self.as_subclass(torch.Tensor)

    def cpu(self):
        _need_stream("cpu")
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
        return device_capsule(self.on_host(), stream, 0, current_stream[-1])


def _with_room(made):
    """Return a new tensor if the device has room for it."""
    if made.nbytes > Device.free_bytes:
        raise torch.cuda.OutOfMemoryError(f"CUDA out of memory. Tried {made.nbytes} bytes")
    return made


class _Cuda(TorchFunctionMode):
    """Makes tensors on a GPU where one is asked for."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.to:
            return _moved(args[0], *args[1:], **kwargs)
        if not _is_cuda(kwargs.get("device")):
            return func(*args, **kwargs)
        kwargs.pop("device")
        return _with_room(func(*args, **kwargs)).as_subclass(CudaTensor)


def _moved(tensor, *where, **options):
    """Tensor.to, of a device or of a dtype."""
    device = options.get("device", where[0] if where else None)
    if _is_cuda(device) and not tensor.is_cuda:
        return tensor.clone().as_subclass(CudaTensor)
    if tensor.is_cuda and str(device) == "cpu":
        return tensor.cpu()
    return torch.Tensor.to(tensor, *where, **options)


def _is_cuda(device):
    return device is not None and not isinstance(device, torch.dtype) and "cuda" in str(device)


class ExternalStream:
    """A stream of another library: of a pointer of 0 torch would make a new one."""

    def __init__(self, stream_ptr, device=None):
        assert stream_ptr != 0, "a pointer of 0 is no stream of another library"
        self.cuda_stream, self.device = stream_ptr, torch.device(device)


def _stream(pointer, device):
    return types.SimpleNamespace(cuda_stream=pointer, device=torch.device(device or _DEVICE))


@contextlib.contextmanager
def _current(device):
    """torch.cuda.device: torch lends tensors of the current device alone."""
    current_device.append(torch.device(device).index)
    try:
        yield
    finally:
        current_device.pop()


@contextlib.contextmanager
def _on_stream(stream):
    """torch.cuda.stream: the stream's device becomes the current one too."""
    current_stream.append(stream.cuda_stream)
    try:
        with _current(stream.device):
            yield
    finally:
        current_stream.pop()


def _from_dlpack(array):
    """Share the memory of an array of the emulated cupy."""
    array.__dlpack__(stream=current_stream[-1] or 1)
    return torch.from_numpy(array.on_host()).as_subclass(CudaTensor)


def _alike(tensor, other):
    return tensor.is_cuda == other.is_cuda


@contextlib.contextmanager
def on_gpu(monkeypatch):
    """Let torch have a GPU inside a ``with`` block."""
    for name, emulated in {
        "is_available": lambda: True,
        "current_stream": lambda device=None: _stream(current_stream[-1], device),
        "default_stream": lambda device=None: _stream(0, device),
        "ExternalStream": ExternalStream,
        "stream": _on_stream,
        "device": _current,
        "mem_get_info": lambda device=None: (Device.free_bytes, Device.free_bytes),
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
        "empty_cache": lambda: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, emulated)
    monkeypatch.setattr(torch, "from_dlpack", _from_dlpack)
    monkeypatch.setattr(torch, "_has_compatible_shallow_copy_type", _alike)  # of parameters moved
    with _Cuda():
        yield

"""As much of cupy as splinecode uses, on host memory that passes for a GPU's.

Installed as `cupy` beside a build with emulated kernels, so that the tests of the GPU run without
one. As strict as cupy: host arrays neither mix with these nor are made of them without `get`.
"""

import contextlib
import ctypes
import sys
import types

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

DLPACK_CUDA = 2
_LEGACY_DEFAULT_STREAM = 1

waits = []
"""What made the host wait for the device, one entry each time."""


def device_capsule(array, stream, index, current):
    """Return the DLPack capsule of a host array, which says that it lies on a GPU.

    `stream` is the consumer's. Another one than the library's `current` one would have to wait.
    """
    wanted = current or _LEGACY_DEFAULT_STREAM
    assert stream == wanted, f"stream is {stream}; wanted the current one, {wanted}"
    capsule = array.__dlpack__()
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    # A DLManagedTensor begins with the data's pointer, then the type and number of the device.
    device = ctypes.cast(pointer_of(capsule, b"dltensor") + 8, ctypes.POINTER(ctypes.c_int32))
    device[0], device[1] = DLPACK_CUDA, index
    return capsule


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory's."""


class Device:
    """A CUDA device, and a context in which it is the current one."""

    current = 0
    free_bytes = 1 << 40

    def __init__(self, id=None):
        self.id = Device.current if id is None else id

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return hash(self.id)

    def __repr__(self):
        return f"<CUDA Device {self.id}>"

    def __enter__(self):
        self._before, Device.current = Device.current, self.id
        return self

    def __exit__(self, *_):
        Device.current = self._before

    def synchronize(self):
        waits.append("synchronize")


class Stream:
    """A stream of any pointer, and a context in which it is the current one; 0 is the default."""

    current = 0

    def __init__(self, ptr):
        self.ptr = ptr

    def __enter__(self):
        self._before, Stream.current = Stream.current, self.ptr
        return self

    def __exit__(self, *_):
        Stream.current = self._before


class ndarray(NDArrayOperatorsMixin):  # noqa: N801 - cupy's name
    """Host memory behind the operators of a device array."""

    __array_priority__ = 100
    __module__ = "cupy"

    def __init__(self, values, device):
        self._values = np.asarray(values)
        self.device = Device(device)

    shape = property(lambda self: self._values.shape)
    ndim = property(lambda self: self._values.ndim)
    dtype = property(lambda self: self._values.dtype)
    size = property(lambda self: self._values.size)
    nbytes = property(lambda self: self._values.nbytes)
    T = property(lambda self: self._made(self._values.T))

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        if method != "__call__" or options:
            raise TypeError(f"{ufunc.__name__}.{method} with {list(options)} is not emulated")
        into = tuple(_values_beside(one, self) for one in out)
        result = ufunc(
            *(_values_beside(one, self) for one in inputs), **({"out": into} if into else {})
        )
        return out[0] if out else self._made(result)

    def _made(self, values):
        return ndarray(values, self.device.id)

    def __len__(self):
        return len(self._values)

    def __getitem__(self, index):
        return self._made(self._values[_index_beside(index, self)])

    def __setitem__(self, index, values):
        self._values[_index_beside(index, self)] = _values_beside(values, self)

    def _read(self):
        waits.append("read")
        return self._values

    def get(self):
        return self._read().copy()

    def item(self):
        return self._read().item()

    def __int__(self):
        return int(self._read())

    def __float__(self):
        return float(self._read())

    def __bool__(self):
        return bool(self._read())

    def __index__(self):
        return self._read().__index__()

    def __reduce__(self):
        return ndarray, (self.get(), self.device.id)

    def __dlpack_device__(self):
        return DLPACK_CUDA, self.device.id

    def __dlpack__(self, *, stream=None):
        return device_capsule(self._values, stream, self.device.id, Stream.current)

    def on_host(self):
        return self._values

    def astype(self, dtype):
        return self._made(self._values.astype(dtype))

    def view(self, dtype):
        return self._made(self._values.view(dtype))

    def reshape(self, *shape):
        return self._made(self._values.reshape(*shape))

    def copy(self):
        return self._made(self._values.copy())

    def any(self):
        return self._made(self._values.any())

    def all(self):
        return self._made(self._values.all())

    def sum(self, axis=None):
        return self._made(self._values.sum(axis))


def _values_beside(one, array):
    """Return what may take part in an operation with `array`: its like, or a plain number."""
    if isinstance(one, ndarray):
        if one.device != array.device:
            raise ValueError(f"arrays on device {one.device.id} and device {array.device.id}")
        return one._values
    if isinstance(one, np.ndarray) or not isinstance(one, (bool, int, float, np.generic)):
        raise TypeError(f"Unsupported type {type(one)}")
    return one


def _index_beside(index, array):
    def one(part):
        is_plain = part is None or part is Ellipsis or isinstance(part, (slice, int))
        return part if is_plain else _values_beside(part, array)

    values = tuple(map(one, index)) if isinstance(index, tuple) else one(index)
    parts = values if isinstance(values, tuple) else (values,)
    if any(isinstance(part, np.ndarray) and part.dtype == bool for part in parts):
        waits.append("bool index")
    return values


def from_dlpack(array):
    """Share the memory of a tensor on the emulated GPU."""
    _, index = array.__dlpack_device__()
    array.__dlpack__(stream=Stream.current or _LEGACY_DEFAULT_STREAM)
    return ndarray(np.asarray(array.on_host()), index)


def asarray(values):
    return values if isinstance(values, ndarray) else ndarray(np.array(values), Device.current)


def empty(shape, dtype="float64"):
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if wanted > Device.free_bytes:
        raise OutOfMemoryError(f"Out of memory allocating {wanted:,} bytes")
    values = np.empty(shape, dtype)
    values.view("uint8" if values.ndim else dtype).fill(0xA5 if values.ndim else 1)
    return ndarray(values, Device.current)


def concatenate(arrays, axis=0):
    return arrays[0]._made(np.concatenate([_values_beside(a, arrays[0]) for a in arrays], axis))


def stack(arrays, axis=0):
    return arrays[0]._made(np.stack([_values_beside(a, arrays[0]) for a in arrays], axis))


def broadcast_to(array, shape):
    values = np.broadcast_to(array._values, shape)
    writable = np.lib.stride_tricks.as_strided(array._values, shape, values.strides)
    return array._made(writable)


def subtract(a, b, out):
    np.subtract(_values_beside(a, out), _values_beside(b, out), out=out._values)
    return out


def cumsum(array, axis=None, dtype=None):
    return array._made(np.cumsum(array._values, axis, dtype))


def flatnonzero(array):
    waits.append("flatnonzero")
    return array._made(np.flatnonzero(array._values))


def argsort(array, axis=-1, kind=None):
    assert kind in (None, "stable"), kind
    return array._made(np.argsort(array._values, axis, "stable"))


def take_along_axis(array, indices, axis):
    return array._made(np.take_along_axis(array._values, _values_beside(indices, array), axis))


def ascontiguousarray(array):
    return array._made(np.ascontiguousarray(array._values))


class maximum:  # noqa: N801 - cupy's name
    """The ufunc, of which `at` alone is used."""

    @staticmethod
    def at(array, index, values):
        np.maximum.at(array._values, index._values, values._values)


int64, float64 = np.int64, np.float64


def install():
    """Let `import cupy` find this module."""
    cuda = types.ModuleType("cupy.cuda")
    cuda.Device = Device
    cuda.Stream = Stream
    cuda.get_current_stream = lambda device_id=None: Stream(Stream.current)
    cuda.memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
    module = sys.modules[__name__]
    module.cuda = cuda
    sys.modules.update({"cupy": module, "cupy.cuda": cuda})


@contextlib.contextmanager
def free_memory(n_bytes):
    """Refuse allocations of more than `n_bytes` inside a ``with`` block."""
    before, Device.free_bytes = Device.free_bytes, n_bytes
    try:
        yield
    finally:
        Device.free_bytes = before

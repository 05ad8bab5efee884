"""The one door for numpy, torch and cupy arrays: where they live and how to allocate beside them.

torch and cupy are never imported here: an array of theirs means that its library is loaded already.
"""

from __future__ import annotations

import math
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np

Array = Any
"""A numpy.ndarray, torch.Tensor or cupy.ndarray."""

LEGACY_DEFAULT_STREAM = 1
"""DLPack (and CUDA) number the legacy default stream 1: 0 would be ambiguous."""


_LARGE_BYTES = 4 << 20
"""numpy asks for huge pages from this size on, torch does not: touching the small pages of packed
words for the first time took an eighth of the time of packing."""


def library_of(array: Array, name: str) -> str:
    """Return "numpy", "torch" or "cupy".

    Raises TypeError naming the argument for anything else, and ValueError for a torch tensor that
    requires grad or whose memory does not hold its values (a lazy negation).
    """
    if isinstance(array, np.ndarray):
        return "numpy"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        if array.requires_grad:
            raise ValueError(f"{name} requires grad; pass {name}.detach()")
        if array.is_neg() or array.is_conj():
            raise ValueError(f"{name} is a lazy view (negated or conjugated); pass {name}.clone()")
        return "torch"
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return "cupy"
    raise TypeError(
        f"{name} is a {type(array).__name__}; wanted a numpy.ndarray, torch.Tensor or cupy.ndarray"
    )


def device_of(array: Array) -> str:
    """Return "cpu" or "cuda:<index>"."""
    if isinstance(array, np.ndarray):
        return "cpu"
    device = getattr(array.device, "type", None)
    if device is None:
        return f"cuda:{array.device.id}"
    return "cpu" if device == "cpu" else str(array.device)


def on_cuda(array: Array) -> bool:
    """Tell whether the array lives on a CUDA device."""
    if isinstance(array, np.ndarray):
        return False
    is_cuda = getattr(array, "is_cuda", None)  # torch's, and quicker than the device's name
    return device_of(array).startswith("cuda") if is_cuda is None else bool(is_cuda)


def dtype_name(array: Array) -> str:
    """Return the dtype's plain name, such as "float32" or "bfloat16", for any library."""
    return _dtype_name(array.dtype)


@cache
def _dtype_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def empty(like: Array, shape: tuple[int, ...], dtype: str, what: str = "results") -> Array:
    """Allocate an uninitialised array of the library and device of `like`.

    Raises MemoryError, which names `what`, where a GPU has no room.
    """
    if isinstance(like, np.ndarray):
        return np.empty(shape, dtype=dtype)
    on_host = not on_cuda(like)
    if on_host and math.prod(shape) * np.dtype(dtype).itemsize >= _LARGE_BYTES:
        return sys.modules["torch"].from_numpy(np.empty(shape, dtype=dtype))
    try:
        return _empty_beside(like, shape, dtype)
    except _out_of_memory_errors() as error:
        wanted = math.prod(shape) * np.dtype(dtype).itemsize
        raise MemoryError(
            f"{what}, a {dtype} array of shape {shape}, take {wanted:,} bytes on "
            f"{device_of(like)}, which has less free: ask about fewer codes at a time"
        ) from error.with_traceback(None)


def _empty_beside(like: Array, shape: tuple[int, ...], dtype: str) -> Array:
    if type(like).__module__.startswith("cupy"):
        with like.device:
            return sys.modules["cupy"].empty(shape, dtype=dtype)
    torch = sys.modules["torch"]
    return torch.empty(shape, dtype=getattr(torch, dtype), device=like.device)


def _out_of_memory_errors() -> tuple[type[BaseException], ...]:
    """Return what torch and cupy raise when a GPU is full, of those that are loaded."""
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    errors = [] if torch is None else [torch.cuda.OutOfMemoryError]
    return (*errors, *([] if cupy is None else [cupy.cuda.memory.OutOfMemoryError]))


def uploaded(values: np.ndarray[Any, Any], like: Array) -> Array:
    """Return host values where `like` lives: as they are for the CPU, else copied to its GPU."""
    if not on_cuda(like):
        return values
    if type(like).__module__.startswith("cupy"):
        with like.device:
            return sys.modules["cupy"].asarray(values)
    # Pageable memory is staged before the call returns, so that `values` may go at once.
    writable = values if values.flags.writeable else values.copy()  # torch warns of others
    return sys.modules["torch"].from_numpy(writable).to(like.device, non_blocking=True)


def to_host(array: Array) -> np.ndarray[Any, Any]:
    """Return an array as numpy: a view on the CPU, a copy, which waits, from a GPU."""
    if isinstance(array, np.ndarray):
        return array
    if type(array).__module__.startswith("cupy"):
        values: np.ndarray[Any, Any] = array.get()
        return values
    return np.asarray(array.cpu().numpy())


def host_values(values: Any) -> np.ndarray[Any, Any]:
    """Return an array, or what numpy makes one of (a list, a column of a table), as numpy."""
    torch = sys.modules.get("torch")
    is_tensor = torch is not None and isinstance(values, torch.Tensor)
    on_its_own = is_tensor or type(values).__module__.startswith("cupy")
    return to_host(values) if on_its_own else np.asarray(values)


def current_stream(array: Array) -> int:
    """Return the caller's current CUDA stream on the array's device, in DLPack numbering."""
    if type(array).__module__.startswith("cupy"):
        pointer = int(sys.modules["cupy"].cuda.get_current_stream(array.device.id).ptr)
    else:
        pointer = int(sys.modules["torch"].cuda.current_stream(array.device).cuda_stream)
    return pointer or LEGACY_DEFAULT_STREAM


def on_device_of(array: Array) -> AbstractContextManager[Any]:
    """Make the GPU of an array current inside a ``with`` block.

    torch lends its tensors on no other one, and cupy computes on the current one.
    """
    if type(array).__module__.startswith("cupy"):
        device: AbstractContextManager[Any] = array.device
        return device
    made: AbstractContextManager[Any] = sys.modules["torch"].cuda.device(array.device)
    return made


def need_same_place(a: Array, a_name: str, b: Array, b_name: str) -> None:
    """Raise ValueError naming both arrays unless they share library and device."""
    a_place = (library_of(a, a_name), device_of(a))
    b_place = (library_of(b, b_name), device_of(b))
    if a_place != b_place:
        raise ValueError(
            f"{a_name} is a {a_place[0]} array on {a_place[1]} and {b_name} a {b_place[0]} array "
            f"on {b_place[1]}; bring them to one library and device first"
        )


def need_on_cpu(array: Array, name: str, why: str) -> None:
    """Raise ValueError, which says why, for an array on a GPU: nothing is moved silently."""
    library = library_of(array, name)
    if on_cuda(array):
        raise ValueError(
            f"{name} is on {device_of(array)}; {why}: "
            f"move it with {'.cpu()' if library == 'torch' else '.get()'}"
        )


def as_numpy(array: Array, name: str) -> np.ndarray[Any, Any]:
    """View a host array as numpy, without a copy.

    Raises ValueError for an array on a GPU: nothing is moved silently.
    """
    need_on_cpu(array, name, "this function runs on the CPU")
    return array if isinstance(array, np.ndarray) else np.asarray(array.numpy())


def lent(array: Array) -> Array:
    """Return what the compiled core borrows soonest: numpy's view of a torch tensor on the CPU.

    Borrowing a tensor by DLPack takes several microseconds, a view less than one. bfloat16, which
    numpy lacks, and arrays on a GPU are returned as they are.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(array, torch.Tensor):
        return array
    on_host = array.device.type == "cpu"
    return array.numpy() if on_host and array.dtype != torch.bfloat16 else array


def from_numpy(values: np.ndarray[Any, Any], library: str) -> Array:
    """Hand a numpy array over to `library` ("numpy" or "torch"), without a copy."""
    return values if library == "numpy" else sys.modules["torch"].from_numpy(values)


def as_torch(array: Array) -> Any:
    """View an array of any library as a torch tensor, without a copy.

    Call it where `torch_beside` holds: then nobody waits for another stream.
    """
    if isinstance(array, np.ndarray):
        return sys.modules["torch"].from_numpy(array)
    if type(array).__module__.startswith("cupy"):
        return sys.modules["torch"].from_dlpack(array)
    return array


def from_torch(tensor: Any, library: str) -> Array:
    """Undo `as_torch`: hand a tensor over to `library`, without a copy."""
    if library == "numpy":
        return tensor.numpy()
    return sys.modules["cupy"].from_dlpack(tensor) if library == "cupy" else tensor


def torch_beside(library: str, device: Any) -> AbstractContextManager[Any]:
    """Let torch work on the current stream of `library` inside a ``with`` block.

    `device` is torch's or its name.
    """
    if library != "cupy":
        return nullcontext()
    torch = sys.modules["torch"]
    cuda, device = torch.cuda, torch.device(device)
    pointer = int(sys.modules["cupy"].cuda.get_current_stream(device.index).ptr)
    # torch takes a pointer of 0 to ask for a new stream.
    stream = cuda.ExternalStream(pointer, device) if pointer else cuda.default_stream(device)
    made: AbstractContextManager[Any] = cuda.stream(stream)
    return made


def handed_back(values: Array, like: Array) -> Array:
    """Undo `lent`: hand numpy values over to the library of `like`, others as they are."""
    if not isinstance(values, np.ndarray) or isinstance(like, np.ndarray):
        return values
    return from_numpy(values, library_of(like, "like"))

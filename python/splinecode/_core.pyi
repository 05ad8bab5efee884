from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = Any
_Knots = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
_Crossings = tuple[
    NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int8]
]
_RowSizes = tuple[NDArray[np.float64], NDArray[np.float64]]
_KinkStep = tuple[_Knots, _Crossings, NDArray[np.uint64], NDArray[np.uint8], _RowSizes]

__version__: str
cuda_built: bool

def threads() -> int: ...
def set_threads(n: int) -> None: ...
def available_simd() -> list[str]: ...
def simd() -> str: ...
def set_simd(level: str) -> None: ...
def pack(z: _Array, words: _Array, threshold: float) -> int: ...
def unpack(words: _Array, bits: _Array) -> None: ...
def unique(words: _Array, representative: _Array, inverse: _Array, counts: _Array) -> int: ...
def hamming_paired(a: _Array, b: _Array, layers: list[tuple[int, int]], out: _Array) -> None: ...
def hamming_matrix(x: _Array, y: _Array, out: _Array) -> None: ...
def top_k(
    queries: _Array, database: _Array, exclude_self: bool, distances: _Array, indices: _Array
) -> None: ...
def within_radius(
    queries: _Array, database: _Array, radius: int, exclude_self: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]: ...
def relu_step(
    offsets: _Array,
    t: _Array,
    t_error: _Array,
    values: _Array,
    snap: _Array,
    bound: _Array,
    slope: float,
    rounding: float,
) -> _KinkStep: ...
def max_pool_step(
    offsets: _Array,
    t: _Array,
    t_error: _Array,
    values: _Array,
    snap: _Array,
    bound: _Array,
    windows: _Array,
    rounding: float,
) -> _KinkStep: ...

# Only where cuda_built:
def cuda_device_count() -> int: ...
def cuda_status() -> str: ...
def cuda_pack(
    z: _Array, words: _Array, threshold: float, first_nan: _Array, stream: int
) -> None: ...
def cuda_top_k_workspace_bytes(queries: int, rows: int) -> int: ...
def cuda_top_k(
    queries: _Array,
    database: _Array,
    exclude_self: bool,
    distances: _Array,
    indices: _Array,
    workspace: _Array,
    stream: int,
) -> None: ...

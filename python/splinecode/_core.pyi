from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = Any

__version__: str
cuda_built: bool
cuda_emulated: bool

def threads() -> int: ...
def set_threads(n: int) -> None: ...
def available_simd() -> list[str]: ...
def simd() -> str: ...
def set_simd(level: str) -> None: ...
def need_memory(bytes: int, what: str) -> None: ...
def cache_bytes(level: int) -> int: ...
def probe_cache(bytes: int, seconds: float) -> float: ...
def probe_memory(seconds: float) -> float: ...
def probe_popcount(seconds: float) -> float: ...
def probe_shuffle(seconds: float) -> float: ...
def pack(z: _Array, words: _Array, threshold: float) -> int: ...
def unpack(words: _Array, bits: _Array) -> None: ...
def unique(words: _Array, representative: _Array, inverse: _Array, counts: _Array) -> int: ...
def argsort(words: _Array, order: _Array) -> None: ...
def match(a: _Array, b: _Array, found: _Array) -> None: ...
def hamming_paired(
    a: _Array,
    b: _Array,
    layers: list[tuple[int, int]],
    out: _Array,
    mask: _Array | None = None,
) -> None: ...
def reduce_differences(
    words: _Array, offsets: _Array, reference: _Array | None, all: bool, out: _Array
) -> None: ...
def column_counts(words: _Array, layer_bits: list[int], out: _Array) -> None: ...
def transpose_bits(words: _Array, layer_bits: list[int], out: _Array) -> None: ...
def hamming_matrix(x: _Array, y: _Array, out: _Array) -> None: ...
def hamming_matrix_symmetric(x: _Array, out: _Array) -> None: ...
def hamming_condensed(x: _Array, out: _Array) -> None: ...
def count_within(
    queries: _Array, database: _Array, radius: int, exclude_self: bool, counts: _Array
) -> None: ...
def sampled_share(queries: _Array, database: _Array, k: int) -> float: ...
def sampled_radius_share(queries: _Array, database: _Array, radius: int) -> float: ...

class PrunedIndex:
    def __init__(self, codes: _Array) -> None: ...
    @property
    def rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def top_k(
        self, queries: _Array | None, exclude_self: bool, distances: _Array, indices: _Array
    ) -> dict[str, int]: ...
    def count_within(
        self, queries: _Array | None, radius: int, exclude_self: bool, counts: _Array
    ) -> dict[str, int]: ...
    def within_radius(
        self, queries: _Array | None, radius: int, exclude_self: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], dict[str, int]]: ...

def top_k(
    queries: _Array, database: _Array, exclude_self: bool, distances: _Array, indices: _Array
) -> None: ...
def within_radius(
    queries: _Array, database: _Array, radius: int, exclude_self: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]: ...

class MultiIndex:
    rows: int
    radius: int
    nbytes: int

    def __init__(self, codes: _Array, radius: int) -> None: ...
    def count_within(
        self, queries: _Array | None, radius: int, exclude_self: bool, counts: _Array
    ) -> dict[str, int]: ...
    def within_radius(
        self, queries: _Array | None, radius: int, exclude_self: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], dict[str, int]]: ...

def sampled_candidates(queries: _Array | None, codes: _Array, radius: int) -> float: ...
def spanning_tree(
    codes: _Array, core: _Array, distances: _Array, indices: _Array
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...

_Ranges = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]

class SweepProgram:
    """A network laid out for exact sweeps: each `add_` returns the number of a node."""

    def __init__(self) -> None: ...
    def add_input(self, units: int) -> int: ...
    def add_view(self, inputs: list[int], index: _Array) -> int: ...
    def add_linear(
        self, input: int, weight: _Array, bias: _Array, norms: tuple[Any, ...]
    ) -> int: ...
    def add_conv(
        self,
        input: int,
        weight: _Array,
        bias: _Array,
        axes: list[list[int]],
        input_shape: list[int],
        groups: int,
        norms: tuple[Any, ...],
    ) -> int: ...
    def add_scale(
        self, input: int, scale: _Array, shift: _Array, norms: tuple[Any, ...]
    ) -> int: ...
    def add_sparse(
        self,
        input: int,
        offsets: _Array,
        columns: _Array,
        weights: _Array,
        bias: _Array,
        cells: _Array,
        norms: tuple[Any, ...],
    ) -> int: ...
    def add_sum(self, inputs: list[int]) -> int: ...
    def add_pieces(
        self, input: int, thresholds: _Array, slopes: _Array, intercepts: _Array
    ) -> int: ...
    def add_max(self, input: int, index: _Array) -> int: ...
    def finish(self) -> None: ...
    def sweep(
        self, a: _Array, b: _Array, max_bytes: int
    ) -> tuple[
        tuple[
            NDArray[np.int64],
            NDArray[np.float64],
            NDArray[np.float64],
            NDArray[np.int64],
            NDArray[np.int64],
            NDArray[np.int8],
        ],
        NDArray[np.uint64],
        tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
        _Ranges,
        _Ranges,
    ]: ...

class _Cuda:
    """The functions of the same names, for arrays on a CUDA device: a stream comes last."""

    @staticmethod
    def device_count() -> int: ...
    @staticmethod
    def status() -> str: ...
    @staticmethod
    def routes(device: int = 0) -> list[str]: ...
    @staticmethod
    def route() -> str: ...
    @staticmethod
    def set_route(name: str) -> None: ...
    @staticmethod
    def probe_b1(seconds: float, device: int = 0) -> float: ...
    @staticmethod
    def pack(
        z: _Array, words: _Array, threshold: float, first_nan: _Array, stream: int
    ) -> None: ...
    @staticmethod
    def unpack(words: _Array, bits: _Array, stream: int) -> None: ...
    @staticmethod
    def argsort_workspace_bytes(rows: int) -> int: ...
    @staticmethod
    def argsort(words: _Array, order: _Array, workspace: _Array, stream: int) -> None: ...
    @staticmethod
    def mark_distinct(words: _Array, order: _Array, starts: _Array, stream: int) -> None: ...
    @staticmethod
    def match(a: _Array, b: _Array, order_b: _Array, found: _Array, stream: int) -> None: ...
    @staticmethod
    def hamming_paired(
        a: _Array,
        b: _Array,
        layers: list[tuple[int, int]],
        out: _Array,
        mask: _Array | None,
        stream: int,
    ) -> None: ...
    @staticmethod
    def reduce_differences(
        words: _Array,
        offsets: _Array,
        reference: _Array | None,
        all: bool,
        out: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def column_counts(words: _Array, layer_bits: list[int], out: _Array, stream: int) -> None: ...
    @staticmethod
    def transpose_bits(words: _Array, layer_bits: list[int], out: _Array, stream: int) -> None: ...
    @staticmethod
    def hamming_matrix(x: _Array, y: _Array, out: _Array, stream: int) -> None: ...
    @staticmethod
    def hamming_matrix_symmetric(x: _Array, out: _Array, stream: int) -> None: ...
    @staticmethod
    def hamming_condensed(x: _Array, out: _Array, stream: int) -> None: ...
    @staticmethod
    def count_within(
        queries: _Array,
        database: _Array,
        radius: int,
        exclude_self: bool,
        counts: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def fill_within(
        queries: _Array,
        database: _Array,
        radius: int,
        exclude_self: bool,
        offsets: _Array,
        distances: _Array,
        indices: _Array,
        workspace: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def top_k_workspace_bytes(queries: int, rows: int, k: int) -> int: ...
    @staticmethod
    def top_k(
        queries: _Array,
        database: _Array,
        exclude_self: bool,
        distances: _Array,
        indices: _Array,
        workspace: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def top_k_streamed(
        queries: _Array,
        database: _Array,
        exclude_self: bool,
        distances: _Array,
        indices: _Array,
        workspace: _Array,
        buffers: _Array,
        stream: int,
    ) -> None: ...

cuda: _Cuda
"""Only where cuda_built."""

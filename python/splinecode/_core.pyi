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
def piece_codes(
    first: _Array,
    offsets: _Array,
    t: _Array,
    places: _Array,
    knot_offsets: _Array,
    knots: _Array,
    words: _Array,
) -> None: ...
def flip_bits(rows: _Array, places: _Array, words: _Array) -> None: ...
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
    def layout(self) -> dict[str, Any]: ...
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

_Table = tuple[_Array, _Array, _Array, _Array]
"""t_address, values_address, count of each list, width of each cell."""
_Rows = tuple[_Array, _Array, _Array, _Array]
"""begin, row_list, value_begin, column_begin."""
_TrackKnots = tuple[_Array, _Array]
"""begin of each track's, t."""
_Knots = tuple[_Array, _Array, _Array, _Array, _Array]
"""begin of each track's, t, snap, error, reach."""
_Units = tuple[_Array, _Array, _Array]
"""cell of the program, source column, column_begin."""
_Tolerances = tuple[_Array, _Array, _Array]
"""norms, slot of each cell, slots."""
_Roots = tuple[_Array, _Array]
"""numbers (7, roots), places (6, roots)."""
_Two = tuple[_Array, _Array]

class Slice:
    """A window of a plane, cut by one layer after the other: cpp/slices/slice.hpp."""

    def __init__(self, program: SweepProgram, max_polygons: int) -> None: ...
    @property
    def vertices(self) -> int: ...
    def take(self, node: int, values: _Array) -> None: ...
    def cut_pieces(self, layer: int, values: _Array, thresholds: _Array) -> None: ...
    def cut_windows(self, layer: int, values: _Array, index: _Array) -> None: ...
    def extend(self, values: _Array, out: _Array, of_layer: bool) -> None: ...
    def partition(
        self,
    ) -> tuple[
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.uint8],
        NDArray[np.uint64],
    ]: ...

def apply_pieces(
    values: _Array, thresholds: _Array, slopes: _Array, intercepts: _Array, out: _Array
) -> None: ...

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
    def piece_codes(
        first: _Array,
        offsets: _Array,
        t: _Array,
        places: _Array,
        knot_offsets: _Array,
        knots: _Array,
        words: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def flip_bits(rows: _Array, places: _Array, words: _Array, stream: int) -> None: ...
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
    # Sweeps: cuda/sweep_rows.hpp tells what the arrays are.
    @staticmethod
    def interpolation(u: float) -> float: ...
    @staticmethod
    def gather_knots(
        table: _Table,
        pair_list: _Array,
        pair_begin: _Array,
        element_pair: _Array,
        t: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def gather_rows(
        table: _Table,
        lists: _Array,
        begin: _Array,
        row_list: _Array,
        columns: _Array,
        x: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def add_products(
        table: _Table,
        rows: _Rows,
        t: _Array,
        y: _Array,
        y_begin: _Array,
        terms: tuple[_Array, _Array, _Array, _Array, _Array],
        bias: _Array | None,
        values: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def add_entries(
        table: _Table,
        rows: _Rows,
        t: _Array,
        entries: tuple[_Array, _Array, _Array, _Array],
        bias: _Array | None,
        values: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def measure(
        rows: _Rows, values: _Array, norms: _Array, largest: _Array, stream: int
    ) -> None: ...
    @staticmethod
    def affine_bounds(
        from_: _Array,
        norms: tuple[_Array, _Array, _Array],
        map: tuple[float, float, float, float],
        u: float,
        to: _Array,
        step: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def sum_bounds(from_: _Array, u: float, to: _Array, stream: int) -> None: ...
    @staticmethod
    def view_bounds(from_: _Array, multiplicity: float, to: _Array, stream: int) -> None: ...
    @staticmethod
    def kink_bounds(
        from_: _Array,
        steepest: float,
        multiplicity: float,
        shift: _Array,
        together: _Array,
        u: float,
        to: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def mark_knots(
        table: _Table,
        cell: _Array,
        out: _Array,
        knots: _TrackKnots,
        words: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def count_knots(words: _Array, counts: _Array, stream: int) -> None: ...
    @staticmethod
    def write_knots(
        words: _Array,
        row: _Array,
        knots: _TrackKnots,
        begin: _Array,
        row_list: _Array,
        t: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def expand_chords(
        chords: tuple[_Array, _Array, _Array, _Array, _Array],
        sorted: _Array,
        column: _Array,
        distinct: bool,
        v: _Array,
        w: _Array,
        y: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def count_windows(
        windows: _Two,
        rows: _Rows,
        t: _Array,
        elements: _Array,
        exact: _Array,
        tolerance: _Two,
        counts: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def emit_windows(
        windows: _Two,
        rows: _Rows,
        t: _Array,
        elements: _Array,
        exact: _Array,
        tolerance: _Two,
        bits: _Array,
        knots: _Knots,
        starts: _Array,
        roots: _Two,
        events: _Two,
        ambiguous: _Two,
        assumed: _Two,
        first_codes: _Array,
        layer_word: int,
        stream: int,
    ) -> None: ...
    @staticmethod
    def fill_windows(
        windows: _Two,
        element_rows: _Rows,
        elements: _Array,
        source_row: _Array,
        weight: _Array,
        rows: _Rows,
        values: _Array,
        stream: int,
    ) -> None: ...

    # Sweeps: cuda/sweep.hpp tells what the arrays are.
    @staticmethod
    def count_pieces(
        table: _Table,
        units: _Units,
        rows: tuple[_Array, _Array],
        tolerances: _Tolerances,
        n_thresholds: int,
        thresholds: _Array | None,
        exact_zeros: _Array,
        single: bool,
        counts: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def emit_pieces(
        table: _Table,
        units: _Units,
        rows: tuple[_Array, _Array],
        tolerances: _Tolerances,
        n_thresholds: int,
        thresholds: _Array | None,
        exact_zeros: _Array,
        single: bool,
        unit: _Array,
        knots: _Knots,
        starts: _Array,
        roots: _Roots,
        events: tuple[_Array, _Array],
        ranges: tuple[_Array, _Array],
        first_codes: _Array,
        layer_word: int,
        shift: _Array,
        snapped: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def running_max_workspace_bytes(n: int) -> int: ...
    @staticmethod
    def running_max(
        keys: _Array, values: _Array, largest: _Array, workspace: _Array, stream: int
    ) -> None: ...
    @staticmethod
    def settle_roots(
        knots: _Knots,
        groups: tuple[_Array, _Array, _Array],
        workspace: _Array,
        roots: _Roots,
        fresh: _Array,
        joined: _Array,
        shift: _Array,
        together: _Array,
        stream: int,
    ) -> None: ...
    @staticmethod
    def fill_pieces(
        table: _Table,
        units: _Units,
        n_thresholds: int,
        functions: float | tuple[_Array, _Array, _Array],
        sources: tuple[_Array, _Array, _Array, _Array, _Array, _Array],
        rows: _Rows,
        values: _Array,
        stream: int,
    ) -> None: ...

cuda: _Cuda
"""Only where cuda_built."""

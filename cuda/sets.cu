#include <cstdint>
#include <limits>

#include "code_order.hpp"
#include "code_rows.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "require.hpp"
#include "row_lanes.hpp"
#include "runtime.hpp"
#include "select.hpp"
#include "warp.hpp"

/// Which codes are equal, by their lexicographic order. Nothing depends on the order in which
/// threads run: rows make the order of equal codes one.
namespace splinecode::cuda {
namespace {

// ------------------------------------------------------------------ argsort

/// Rows and the first words of their codes, in two arrays: most comparisons read only the words.
struct KeyedRows {
    std::uint64_t* first;
    std::int64_t* row;

    __device__ KeyedRow operator[](std::int64_t i) const { return {first[i], row[i]}; }
    __device__ void set(std::int64_t i, const KeyedRow& keyed) const {
        first[i] = keyed.first;
        row[i] = keyed.row;
    }

    __device__ void order(const CodeRows& codes, Pair pair) const {
        const std::uint64_t low = first[pair.low];
        const std::uint64_t high = first[pair.high];
        if (low < high) {
            return;
        }
        const KeyedRow low_row{low, row[pair.low]};
        const KeyedRow high_row{high, row[pair.high]};
        if (comes_before(codes, high_row, low_row)) {
            set(pair.low, high_row);
            set(pair.high, low_row);
        }
    }
};

/// Entries that a block sorts or merges in its shared memory.
constexpr std::int64_t sort_chunk = 2048;

struct ChunkMemory {
    std::uint64_t first[sort_chunk];
    std::int64_t row[sort_chunk];

    __device__ KeyedRows entries() { return {first, row}; }
};

/// The steps of the merge into runs of `size` from that with stride `first_stride` on, for a chunk
/// of n entries. All threads of the block call it.
__device__ void merge_chunk(const CodeRows& codes, const KeyedRows& chunk, std::int64_t n,
                            std::int64_t size, std::int64_t first_stride) {
    for (std::int64_t stride = first_stride; stride > 0; stride /= 2) {
        __syncthreads();  // the entries have been written
#pragma unroll 1
        for (std::int64_t i = threadIdx.x; i < sort_chunk / 2; i += block_threads) {
            const Pair pair = step_pair(i, size, stride);
            if (pair.high < n) {
                chunk.order(codes, pair);
            }
        }
    }
}

/// Calls work(chunk in shared memory, its entries n) for the chunks of this block, with a barrier
/// after it, and then stores them. `load` gives an entry.
template <class Load, class Work>
__device__ void for_each_chunk(std::int64_t rows, const KeyedRows& sorted, ChunkMemory& memory,
                               const Load& load, const Work& work) {
    const KeyedRows chunk = memory.entries();
    for (std::int64_t first = blockIdx.x * sort_chunk; first < rows;
         first += gridDim.x * sort_chunk) {
        const std::int64_t n = rows - first < sort_chunk ? rows - first : sort_chunk;
        for (std::int64_t i = threadIdx.x; i < n; i += block_threads) {
            chunk.set(i, load(first + i));
        }
        work(chunk, n);
        __syncthreads();
        // Each thread stores the entries that it loads next: no barrier after this.
        for (std::int64_t i = threadIdx.x; i < n; i += block_threads) {
            sorted.set(first + i, chunk[i]);
        }
    }
}

/// Sorts each chunk by itself.
__global__ void __launch_bounds__(block_threads)
    sort_chunks_kernel(const CodeRows codes, const KeyedRows sorted) {
    __shared__ ChunkMemory memory;
    const auto load = [&](std::int64_t row) {
        return KeyedRow{codes.words > 0 ? *codes.row(row) : 0, row};
    };
    for_each_chunk(codes.rows, sorted, memory, load, [&](const KeyedRows& chunk, std::int64_t n) {
        for (std::int64_t size = 2; size <= sort_chunk; size *= 2) {
            merge_chunk(codes, chunk, n, size, size / 2);
        }
    });
}

/// One step whose pairs lie in different chunks, a pair a thread. Floor: 16 bytes read a pair, and
/// 48 more where it changes places.
__global__ void __launch_bounds__(block_threads)
    merge_step_kernel(const CodeRows codes, const KeyedRows sorted, std::int64_t size,
                      std::int64_t stride, std::int64_t pairs) {
    for (std::int64_t i = thread_of_grid(); i < pairs; i += threads_of_grid()) {
        const Pair pair = step_pair(i, size, stride);
        if (pair.high < codes.rows) {
            sorted.order(codes, pair);
        }
    }
}

/// The steps that are left of a merge once pairs lie within chunks.
__global__ void __launch_bounds__(block_threads)
    merge_chunks_kernel(const CodeRows codes, const KeyedRows sorted, std::int64_t size) {
    __shared__ ChunkMemory memory;
    for_each_chunk(
        codes.rows, sorted, memory, [&](std::int64_t i) { return sorted[i]; },
        [&](const KeyedRows& chunk, std::int64_t n) {
            merge_chunk(codes, chunk, n, size, sort_chunk / 2);
        });
}

// ------------------------------------------------------------------ mark_distinct and match

/// `lanes` lanes, a power of two, compare each row with the one before it.
/// Floor: bytes of the codes read once; the row before comes from the caches.
__global__ void __launch_bounds__(block_threads)
    mark_kernel(const CodeRows codes, const std::int64_t* order, int lanes, std::uint8_t* starts) {
    const int lane = lane_of_warp();
    const int part = lane & (lanes - 1);
    const int at_once = warp_lanes / lanes;
    const std::int64_t step = warps_of_grid() * at_once;
    for (std::int64_t first = warp_of_grid() * at_once; first < codes.rows; first += step) {
        const std::int64_t i = first + lane / lanes;
        std::uint64_t differences = i == 0 ? 1 : 0;
        if (0 < i && i < codes.rows) {
            const std::uint64_t* const code = codes.row(order[i]);
            const std::uint64_t* const before = codes.row(order[i - 1]);
#pragma unroll 4
            for (std::int64_t word = part; word < codes.words; word += lanes) {
                differences |= __ldg(code + word) ^ __ldg(before + word);
            }
        }
        unsigned differs = differences != 0 ? 1 : 0;
        for (int distance = lanes / 2; distance > 0; distance /= 2) {
            differs |= __shfl_xor_sync(all_lanes, differs, distance);
        }
        if (i < codes.rows && part == 0) {
            starts[i] = static_cast<std::uint8_t>(differs);
        }
    }
}

/// A thread per row of a.
__global__ void __launch_bounds__(block_threads)
    match_kernel(const CodeRows a, const CodeRows b, const std::int64_t* order_b,
                 std::int64_t* found) {
    for (std::int64_t i = thread_of_grid(); i < a.rows; i += threads_of_grid()) {
        const std::uint64_t* const code = a.row(i);
        const std::int64_t place = first_not_before(b, order_b, code);
        const bool equal =
            place < b.rows && compare_words(b.row(order_b[place]), code, a.words) == 0;
        found[i] = equal ? order_b[place] : -1;
    }
}

}  // namespace

std::size_t argsort_workspace_bytes(std::int64_t rows) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 8;
    require(0 <= rows && rows <= most, "argsort", "the number of rows is out of range");
    return static_cast<std::size_t>(rows) * sizeof(std::uint64_t);
}

void argsort(const CodeRows& codes, std::int64_t* order, void* workspace,
             std::size_t workspace_bytes, Stream stream) {
    require_codes(codes, "argsort");
    if (codes.rows == 0) {
        return;
    }
    require(workspace != nullptr && workspace_bytes >= argsort_workspace_bytes(codes.rows),
            "argsort", "the workspace is smaller than argsort_workspace_bytes");
    require(reinterpret_cast<std::uintptr_t>(workspace) % alignof(std::uint64_t) == 0, "argsort",
            "the workspace is not aligned to 8 bytes");
    const DeviceGuard guard(stream.device);
    const KeyedRows sorted{static_cast<std::uint64_t*>(workspace), order};
    const std::int64_t span = sort_span(codes.rows);
    const std::int64_t pairs = span / 2;
    const std::int64_t chunks = ceil_div(codes.rows, sort_chunk);
    launch("argsort: chunks", sort_chunks_kernel, chunks, stream, codes, sorted);
    for (std::int64_t size = 2 * sort_chunk; size <= span; size *= 2) {
        for (std::int64_t stride = size / 2; stride >= sort_chunk; stride /= 2) {
            launch("argsort: merge", merge_step_kernel, ceil_div(pairs, block_threads), stream,
                   codes, sorted, size, stride, pairs);
        }
        launch("argsort: merge chunks", merge_chunks_kernel, chunks, stream, codes, sorted, size);
    }
}

void mark_distinct(const CodeRows& codes, const std::int64_t* order, std::uint8_t* starts,
                   Stream stream) {
    require_codes(codes, "mark_distinct");
    if (codes.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const int lanes = lanes_for(codes.words);
    launch("mark_distinct", mark_kernel, ceil_div(codes.rows, block_threads / lanes), stream, codes,
           order, lanes, starts);
}

void match(const CodeRows& a, const CodeRows& b, const std::int64_t* order_b, std::int64_t* found,
           Stream stream) {
    require_same_width(a, b, "match");
    if (a.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("match", match_kernel, ceil_div(a.rows, block_threads), stream, a, b, order_b, found);
}

}  // namespace splinecode::cuda

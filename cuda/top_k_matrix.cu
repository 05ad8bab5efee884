#include "top_k_matrix.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "cuda.hpp"
#include "order.hpp"
#include "runtime.hpp"
#include "select.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

struct Counts {
    int nearer;
    int ties;
};

/// The shared memory of a selecting block. Each member is written before a barrier, read after it,
/// and written again only after another one.
struct SelectMemory {
    std::uint32_t histogram[block_warps][Digit::most_values];
    std::int64_t warp_sums[block_warps];
    Search search;
    Counts counts[block_warps];
};
static_assert(Digit::most_values == block_threads, "a thread owns a value of the digit");

/// The sum of `value` over the threads before this one. All threads of the block call it.
__device__ std::int64_t sum_before(std::int64_t value, SelectMemory& memory) {
    const int lane = lane_of_warp();
    const int warp = warp_of_block();
    std::int64_t sum = value;
    for (int distance = 1; distance < warp_lanes; distance *= 2) {
        const std::int64_t other = __shfl_up_sync(all_lanes, sum, distance);
        sum += lane >= distance ? other : 0;
    }
    if (lane == warp_lanes - 1) {
        memory.warp_sums[warp] = sum;
    }
    __syncthreads();
    std::int64_t before = sum - value;
    for (int earlier = 0; earlier < warp; ++earlier) {
        before += memory.warp_sums[earlier];
    }
    return before;
}

/// Counts the values of a digit among the keys that begin with `prefix`, a histogram per warp.
__device__ void count_digits(const std::int32_t* keys, std::int64_t n, Digit digit,
                             std::uint32_t prefix, SelectMemory& memory) {
    const int thread = static_cast<int>(threadIdx.x);
    for (int warp = 0; warp < block_warps; ++warp) {
        memory.histogram[warp][thread] = 0;
    }
    __syncthreads();
    for (std::int64_t i = thread; i < n; i += block_threads) {
        const auto key = static_cast<std::uint32_t>(keys[i]);
        if (digit.follows(key, prefix)) {
            atomicAdd(&memory.histogram[thread / warp_lanes][digit.of(key)], 1u);
        }
    }
    __syncthreads();
}

/// Radix select: the k-th smallest key, 1 <= k <= n, and how many of its equals are wanted.
__device__ Search find_kth(const std::int32_t* keys, std::int64_t n, std::int64_t k, int key_bits,
                           SelectMemory& memory) {
    const int thread = static_cast<int>(threadIdx.x);
    Search search{0, k};
    for (Digit digit = Digit::below(key_bits); digit.exists(); digit = digit.next()) {
        count_digits(keys, n, digit, search.prefix, memory);
        std::int64_t count = 0;
        for (int warp = 0; warp < block_warps; ++warp) {
            count += memory.histogram[warp][thread];
        }
        const std::int64_t before = sum_before(count, memory);
        if (holds_rank(before, count, search.rank)) {  // true in exactly one thread
            memory.search = digit.narrow(search, static_cast<std::uint32_t>(thread), before);
        }
        __syncthreads();
        search = memory.search;
    }
    return search;
}

/// Writes the rows nearer than the k-th distance to [0, k - kth.rank) and the first kth.rank of
/// those at that distance behind them, both in the order of the rows.
__device__ void gather(const std::int32_t* keys, std::int64_t n, std::int64_t k, Search kth,
                       std::int32_t* distances, std::int64_t* indices, SelectMemory& memory) {
    const int lane = lane_of_warp();
    const int warp = warp_of_block();
    const unsigned earlier_lanes = (1u << lane) - 1;
    const std::int64_t nearer_end = k - kth.rank;
    std::int64_t next_nearer = 0;
    std::int64_t next_tie = nearer_end;
    for (std::int64_t first = 0; first < n && (next_nearer < nearer_end || next_tie < k);
         first += block_threads) {
        const std::int64_t i = first + threadIdx.x;
        const std::int32_t key = i < n ? keys[i] : 0;
        const bool nearer = i < n && static_cast<std::uint32_t>(key) < kth.prefix;
        const bool tie = i < n && static_cast<std::uint32_t>(key) == kth.prefix;
        // Also the barrier between reading the last round's counts and writing this one's.
        if (!__syncthreads_or(nearer || tie)) {
            continue;
        }
        const unsigned nearer_lanes = __ballot_sync(all_lanes, nearer);
        const unsigned tie_lanes = __ballot_sync(all_lanes, tie);
        if (lane == 0) {
            memory.counts[warp] = {__popc(nearer_lanes), __popc(tie_lanes)};
        }
        __syncthreads();
        std::int64_t nearer_slot = next_nearer + __popc(nearer_lanes & earlier_lanes);
        std::int64_t tie_slot = next_tie + __popc(tie_lanes & earlier_lanes);
        for (int w = 0; w < block_warps; ++w) {
            const Counts counts = memory.counts[w];
            nearer_slot += w < warp ? counts.nearer : 0;
            tie_slot += w < warp ? counts.ties : 0;
            next_nearer += counts.nearer;
            next_tie += counts.ties;
        }
        if (nearer || (tie && tie_slot < k)) {
            const std::int64_t slot = nearer ? nearer_slot : tie_slot;
            distances[slot] = key;
            indices[slot] = i;
        }
    }
}

/// The k nearest of n rows for each of n_queries rows of keys; a block per query.
///
/// Floor: 4 bytes read per query and row; this reads them once per digit and once to gather, that
/// is 2 to 5 times, from the L2 cache while a batch fits in it.
__global__ void __launch_bounds__(block_threads)
    select_kernel(const std::int32_t* keys, std::int64_t pitch, std::int64_t n_queries,
                  std::int64_t n, std::int64_t k, int key_bits, std::int32_t* distances,
                  std::int64_t* indices) {
    __shared__ SelectMemory memory;
    for (std::int64_t query = blockIdx.x; query < n_queries; query += gridDim.x) {
        const std::int32_t* row = keys + query * pitch;
        std::int32_t* nearest = distances + query * k;
        std::int64_t* nearest_indices = indices + query * k;
        const Search kth = find_kth(row, n, k, key_bits, memory);
        gather(row, n, k, kth, nearest, nearest_indices, memory);
        // The ties are in order already, and come last.
        order_neighbours(nearest, nearest_indices, k - kth.rank);
    }
}

/// Makes row first_self + i farther from query i than any other.
__global__ void __launch_bounds__(block_threads)
    exclude_kernel(std::int32_t* distances, std::int64_t pitch, std::int64_t n_queries,
                   std::int64_t first_self, std::int32_t excluded) {
    const std::int64_t step = threads_of_grid();
    for (std::int64_t i = thread_of_grid(); i < n_queries; i += step) {
        distances[i * pitch + first_self + i] = excluded;
    }
}

/// Rows of the matrix start at a multiple of 32 entries.
std::int64_t pitch_of(std::int64_t rows) { return ceil_div(rows, warp_lanes) * warp_lanes; }

}  // namespace

std::size_t matrix_bytes(std::int64_t queries, std::int64_t rows) {
    const auto query_bytes = static_cast<std::size_t>(pitch_of(rows)) * sizeof(std::int32_t);
    if (query_bytes != 0 &&
        static_cast<std::size_t>(queries) > std::numeric_limits<std::size_t>::max() / query_bytes) {
        throw std::invalid_argument("top_k: the size of the workspace overflows");
    }
    return static_cast<std::size_t>(queries) * query_bytes;
}

void top_k_by_matrix(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                     std::int64_t first_self, std::int32_t* distances, std::int64_t* indices,
                     void* workspace, Stream stream) {
    auto* const keys = static_cast<std::int32_t*>(workspace);
    const std::int64_t pitch = pitch_of(database.rows);
    hamming_matrix(queries, database, keys, stream, pitch);
    if (first_self >= 0) {
        const std::int64_t with_self = std::min(queries.rows, database.rows - first_self);
        if (with_self > 0) {
            launch("top_k: exclude", exclude_kernel, ceil_div(with_self, block_threads), stream,
                   keys, pitch, with_self, first_self, excluded_distance(queries.words));
        }
    }
    launch("top_k: selection", select_kernel, queries.rows, stream, keys, pitch, queries.rows,
           database.rows, k, distance_bits(queries.words), distances, indices);
}

}  // namespace splinecode::cuda

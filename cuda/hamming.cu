#include <cstdint>
#include <stdexcept>
#include <string>

#include "cuda.hpp"
#include "geometry.hpp"
#include "runtime.hpp"
#include "select.hpp"

/// top_k in two phases: a batch of queries writes its distances to the workspace, then one block
/// per query selects and orders its k nearest. Nothing depends on the order in which threads run.
namespace splinecode::cuda {
namespace {

constexpr unsigned all_lanes = 0xffffffff;

/// Codes as contiguous rows of words.
struct Codes {
    const std::uint64_t* data;
    std::int64_t rows;
    std::int64_t words;
};

// ------------------------------------------------------------------ phase 1: distances

constexpr int queries_per_thread = DistanceTiles::queries * DistanceTiles::rows / block_threads;
static_assert(DistanceTiles::rows % warp_lanes == 0, "the lanes of a warp share their queries");
static_assert(block_threads % DistanceTiles::rows == 0);

/// Copies a tile of Rows x DistanceTiles::words words to shared memory, with zeros beyond the last
/// row or word. All threads of the block call it.
template <int Rows, int Pitch>
__device__ void load_tile(const Codes& codes, std::int64_t first_row, std::int64_t first_word,
                          std::uint64_t (&tile)[Rows][Pitch]) {
    for (int i = static_cast<int>(threadIdx.x); i < Rows * DistanceTiles::words;
         i += block_threads) {
        const std::int64_t row = first_row + i / DistanceTiles::words;
        const std::int64_t word = first_word + i % DistanceTiles::words;
        const bool inside = row < codes.rows && word < codes.words;
        tile[i / DistanceTiles::words][i % DistanceTiles::words] =
            inside ? codes.data[row * codes.words + word] : 0;
    }
}

/// distances[i * pitch + row] of query i of the batch and every row. A thread has one row of a tile
/// and a few queries, the same ones for all lanes of its warp: a query's word is one broadcast.
/// With `exclude_self`, query i of the batch is row first_query + i, which it must not return.
///
/// Floor: 2 POPC per query, row and word (16 a clock and SM); 4 bytes written per query and row.
__global__ void __launch_bounds__(block_threads)
    distance_kernel(const Codes queries, const Codes database, std::int64_t first_query,
                    bool exclude_self, std::int32_t excluded, std::int32_t* distances,
                    std::int64_t pitch) {
    __shared__ std::uint64_t query_tile[DistanceTiles::queries][DistanceTiles::words];
    // One word of padding: lanes read rows an odd number of words apart, from different banks.
    __shared__ std::uint64_t row_tile[DistanceTiles::rows][DistanceTiles::words + 1];
    const int local_row = static_cast<int>(threadIdx.x) % DistanceTiles::rows;
    const int local_query =
        static_cast<int>(threadIdx.x) / DistanceTiles::rows * queries_per_thread;
    const DistanceTiles tiles{queries.rows, database.rows};
    const std::int64_t count = tiles.count();
    for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
        const DistanceTiles::Tile tile = tiles.at(index);
        std::int32_t sums[queries_per_thread] = {};
        for (std::int64_t word = 0; word < queries.words; word += DistanceTiles::words) {
            __syncthreads();  // the words of the last round have been read
            load_tile(queries, tile.first_query, word, query_tile);
            load_tile(database, tile.first_row, word, row_tile);
            __syncthreads();
            const std::int64_t left = queries.words - word;
            const int words =
                left < DistanceTiles::words ? static_cast<int>(left) : DistanceTiles::words;
            for (int w = 0; w < words; ++w) {
                const std::uint64_t row_word = row_tile[local_row][w];
#pragma unroll
                for (int i = 0; i < queries_per_thread; ++i) {
                    sums[i] += __popcll(query_tile[local_query + i][w] ^ row_word);
                }
            }
        }
        const std::int64_t row = tile.first_row + local_row;
#pragma unroll
        for (int i = 0; i < queries_per_thread; ++i) {
            const std::int64_t query = tile.first_query + local_query + i;
            if (query < queries.rows && row < database.rows) {
                const bool self = exclude_self && first_query + query == row;
                distances[query * pitch + row] = self ? excluded : sums[i];
            }
        }
    }
}

// ------------------------------------------------------------------ phase 2: selection

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
    const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
    const int warp = static_cast<int>(threadIdx.x) / warp_lanes;
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
    const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
    const int warp = static_cast<int>(threadIdx.x) / warp_lanes;
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

__device__ void order_pair(std::int32_t* distances, std::int64_t* indices, Pair pair) {
    const std::int32_t low_distance = distances[pair.low];
    const std::int32_t high_distance = distances[pair.high];
    const std::int64_t low_index = indices[pair.low];
    const std::int64_t high_index = indices[pair.high];
    if (comes_before(high_distance, high_index, low_distance, low_index)) {
        distances[pair.low] = high_distance;
        distances[pair.high] = low_distance;
        indices[pair.low] = high_index;
        indices[pair.high] = low_index;
    }
}

/// Orders n results in place: O(n log^2 n) comparisons by one block.
__device__ void sort_results(std::int32_t* distances, std::int64_t* indices, std::int64_t n) {
    const std::int64_t span = sort_span(n);
    for (std::int64_t size = 2; size <= span; size *= 2) {
        for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
            __syncthreads();  // the entries of the last step have been written
#pragma unroll 1              // unrolled, it spills on sm_80
            for (std::int64_t i = threadIdx.x; i < span / 2; i += block_threads) {
                const Pair pair =
                    stride == size / 2 ? mirror_pair(i, size) : stride_pair(i, stride);
                if (pair.high < n) {
                    order_pair(distances, indices, pair);
                }
            }
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
        sort_results(nearest, nearest_indices, k - kth.rank);
    }
}

// ------------------------------------------------------------------ host

void require_sizes(std::int64_t n_queries, std::int64_t n_rows, std::int64_t words, std::int64_t k,
                   bool exclude_self) {
    if (n_queries < 0 || n_rows < 0 || n_rows >= most_rows || words < 0 || words > most_words) {
        throw std::invalid_argument("top_k: the number of queries, rows or words is out of range");
    }
    const std::int64_t most = exclude_self && n_rows > 0 ? n_rows - 1 : n_rows;
    if (k < 0 || k > most) {
        throw std::invalid_argument("top_k: k = " + std::to_string(k) + " but there are " +
                                    std::to_string(most) + " rows to choose from");
    }
}

void require_workspace(const void* workspace, std::size_t bytes, std::int64_t n_rows) {
    const std::size_t least = distances_bytes(1, n_rows);
    if (workspace == nullptr || bytes < least) {
        throw std::invalid_argument("top_k: the workspace needs at least " + std::to_string(least) +
                                    " bytes for " + std::to_string(n_rows) + " rows, it has " +
                                    std::to_string(workspace == nullptr ? 0 : bytes));
    }
    if (reinterpret_cast<std::uintptr_t>(workspace) % alignof(std::int32_t) != 0) {
        throw std::invalid_argument("top_k: the workspace is not aligned to 4 bytes");
    }
}

}  // namespace

std::size_t top_k_workspace_bytes(std::int64_t queries, std::int64_t rows) {
    return distances_bytes(queries, rows);
}

void top_k(const std::uint64_t* queries, std::int64_t n_queries, const std::uint64_t* database,
           std::int64_t n_rows, std::int64_t words, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, void* workspace,
           std::size_t workspace_bytes, Stream stream) {
    require_sizes(n_queries, n_rows, words, k, exclude_self);
    if (n_queries == 0 || k == 0) {
        return;
    }
    require_workspace(workspace, workspace_bytes, n_rows);
    const DeviceGuard guard(stream.device);
    const Codes rows{database, n_rows, words};
    const std::int64_t pitch = distance_pitch(n_rows);
    const std::int64_t most = queries_per_batch(workspace_bytes, n_queries, n_rows);
    auto* keys = static_cast<std::int32_t*>(workspace);
    for (std::int64_t first = 0; first < n_queries; first += most) {
        const std::int64_t n = most < n_queries - first ? most : n_queries - first;
        const Codes batch{queries + first * words, n, words};
        launch("top_k: distances", distance_kernel, DistanceTiles{n, n_rows}.count(), stream, batch,
               rows, first, exclude_self, excluded_distance(words), keys, pitch);
        launch("top_k: selection", select_kernel, n, stream, keys, pitch, n, n_rows, k,
               distance_bits(words), distances + first * k, indices + first * k);
    }
}

}  // namespace splinecode::cuda

#include "nearest_search.hpp"

#include <algorithm>
#include <cstdint>

#include "nearest_sink.hpp"
#include "order.hpp"
#include "scan.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

/// Lists of a block at most: of a tile's queries.
constexpr std::int64_t lists_a_block = 128;
static_assert(block_warps * most_few_queries <= lists_a_block);

/// Keys that are merged at a time.
constexpr int merge_keys = 2048;
static_assert(merge_keys >= most_listed + 2 * block_threads);

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

std::size_t key_bytes(std::int64_t keys) {
    return aligned(static_cast<std::size_t>(keys) * sizeof(std::uint64_t));
}

__global__ void __launch_bounds__(block_threads)
    open_limits_kernel(std::int32_t* limits, std::int64_t n) {
    const std::int64_t step = threads_of_grid();
    for (std::int64_t i = thread_of_grid(); i < n; i += step) {
        limits[i] = Lists::open;
    }
}

/// The k nearest of every split, and the best of earlier parts, as one row of keys.
struct Found {
    const std::uint64_t* nearest;
    const std::uint64_t* best;  // null if there are none
    std::int64_t splits;
    std::int64_t split_stride;
    std::int64_t k;

    __device__ std::int64_t count() const { return (splits + (best != nullptr ? 1 : 0)) * k; }
    __device__ std::uint64_t key(std::int64_t query, std::int64_t i) const {
        const std::int64_t split = i / k;
        const std::int64_t place = query * k + i - split * k;
        return split < splits ? nearest[split * split_stride + place] : best[place];
    }
};

/// Orders the k least keys of a query to keys[0, k) and returns how many there are, at most k. All
/// threads of the block call it.
__device__ int merge(const Found& found, std::int64_t query, std::int32_t limit,
                     std::uint64_t* keys, int& filled) {
    if (threadIdx.x == 0) {
        filled = 0;
    }
    __syncthreads();
    const auto k = static_cast<int>(found.k);
    for (std::int64_t begin = 0; begin < found.count(); begin += block_threads) {
        const std::int64_t i = begin + threadIdx.x;
        const std::uint64_t key = i < found.count() ? found.key(query, i) : no_key;
        if (key != no_key && key_distance(key) <= limit) {
            keys[atomicAdd(&filled, 1)] = key;
        }
        __syncthreads();
        const int n = filled;
        __syncthreads();
        if (n > merge_keys - block_threads) {
            order_keys(keys, n);
            limit = key_distance(keys[k - 1]);
            if (threadIdx.x == 0) {
                filled = k;
            }
            __syncthreads();
        }
    }
    const int n = filled;
    order_keys(keys, n);
    return min(n, k);
}

/// A block per query.
__global__ void __launch_bounds__(block_threads)
    merge_kernel(const Found found, std::int64_t n_queries, std::int32_t* limits,
                 std::uint64_t* best) {
    __shared__ std::uint64_t keys[merge_keys];
    __shared__ int filled;
    for (std::int64_t query = blockIdx.x; query < n_queries; query += gridDim.x) {
        const int n = merge(found, query, limits[query], keys, filled);
        for (std::int64_t i = threadIdx.x; i < found.k; i += block_threads) {
            best[query * found.k + i] = i < n ? keys[i] : no_key;
        }
        if (threadIdx.x == 0 && n == found.k) {
            limits[query] = key_distance(keys[n - 1]);
        }
        __syncthreads();
    }
}

__global__ void __launch_bounds__(block_threads)
    split_keys_kernel(const std::uint64_t* keys, std::int64_t n, std::int32_t* distances,
                      std::int64_t* indices) {
    const std::int64_t step = threads_of_grid();
    for (std::int64_t i = thread_of_grid(); i < n; i += step) {
        distances[i] = key_distance(keys[i]);
        indices[i] = key_index(keys[i]);
    }
}

}  // namespace

NearestLayout NearestLayout::of(std::int64_t queries, std::int64_t rows, std::int64_t k) {
    constexpr std::int64_t least_tile_rows = 64;
    constexpr std::int64_t least_tile_queries = 64;
    // Units enough to keep all multiprocessors busy, fewer where their results would take much
    // room.
    const std::int64_t units = std::clamp<std::int64_t>(40'960 / k, 256, 4'096);
    const std::int64_t most_splits =
        std::min(ceil_div(units, ceil_div(queries, lists_a_block)),
                 ceil_div(ceil_div(rows, least_tile_rows), least_split_tiles));
    const std::int64_t blocks =
        std::min(ceil_div(queries, least_tile_queries) * most_splits, most_scan_blocks);
    return {queries, k, most_splits, blocks * lists_a_block};
}

std::size_t NearestLayout::best_at() const {
    return aligned(static_cast<std::size_t>(queries) * sizeof(std::int32_t));
}
std::size_t NearestLayout::nearest_at() const { return best_at() + key_bytes(queries * k); }
std::size_t NearestLayout::lists_at() const {
    return nearest_at() + key_bytes(most_splits * queries * k);
}
std::size_t NearestLayout::bytes() const {
    return lists_at() + key_bytes(lists * list_capacity(k, list_burst));
}

std::int64_t nearest_batch(std::int64_t queries, std::int64_t rows, std::int64_t k,
                           std::size_t workspace_bytes) {
    std::int64_t batch = queries;
    while (batch > 0 && NearestLayout::of(batch, rows, k).bytes() > workspace_bytes) {
        batch =
            batch > lists_a_block ? ceil_div(batch / 2, lists_a_block) * lists_a_block : batch / 2;
    }
    return batch;
}

NearestSearch::NearestSearch(const NearestLayout& layout, void* workspace, Stream stream)
    : layout_(layout), workspace_(workspace), stream_(stream) {
    launch("top_k: limits", open_limits_kernel, ceil_div(layout.queries, block_threads), stream,
           at<std::int32_t>(0), layout.queries);
}

void NearestSearch::add(const CodeRows& queries, const CodeRows& rows, std::int64_t first_index,
                        std::int64_t first_self) {
    const ScanPlan plan = plan_scan(device_of(stream_.device), queries.rows, rows.rows,
                                    queries.words, layout_.most_splits);
    auto* const limits = at<std::int32_t>(0);
    auto* const best = at<std::uint64_t>(layout_.best_at());
    auto* const nearest = at<std::uint64_t>(layout_.nearest_at());
    const std::int64_t stride = queries.rows * layout_.k;
    const ListSettings lists{at<std::uint64_t>(layout_.lists_at()), limits, layout_.k,
                             list_capacity(layout_.k, list_burst)};
    launch_scan(
        "top_k", plan, queries, rows,
        NearestSink{lists, nearest, stride, queries.rows, rows.rows, first_index, first_self},
        stream_);
    launch("top_k: merge", merge_kernel, queries.rows, stream_,
           Found{nearest, has_best_ ? best : nullptr, plan.splits, stride, layout_.k}, queries.rows,
           limits, best);
    has_best_ = true;
}

void NearestSearch::finish(std::int32_t* distances, std::int64_t* indices) const {
    const std::int64_t n = layout_.queries * layout_.k;
    launch("top_k: results", split_keys_kernel, ceil_div(n, block_threads), stream_,
           at<std::uint64_t>(layout_.best_at()), n, distances, indices);
}

}  // namespace splinecode::cuda

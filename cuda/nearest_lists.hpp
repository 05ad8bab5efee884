#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "geometry.hpp"
#include "nearest_key.hpp"
#include "warp.hpp"

/// Lists of the nearest rows of some queries while rows come by, each list one warp's own. A list
/// takes every key that may be among its k least, and now and then keeps those k alone, which
/// lowers what it takes. What is kept does not depend on the order in which keys came.
namespace splinecode::cuda {

/// Keeps the k least of n different keys, in no order, and returns the greatest of them, or no_key
/// if n < k. All lanes of a warp call it. O(bits that differ * n / 32) steps.
__device__ SPLINECODE_SELDOM inline std::uint64_t keep_least(std::uint64_t* keys, std::int64_t n,
                                                             std::int64_t k) {
    if (n < k) {
        return no_key;
    }
    const int lane = lane_of_warp();
    const std::uint64_t first = keys[0];
    std::uint64_t differing = 0;
    for (std::int64_t i = lane; i < n; i += warp_lanes) {
        differing |= keys[i] ^ first;
    }
#pragma unroll
    for (int step = warp_lanes / 2; step > 0; step /= 2) {
        differing |= __shfl_xor_sync(all_lanes, differing, step);
    }
    KeySearch search = KeySearch::of(first, differing, k);
    while (!search.done()) {
        unsigned low = 0;
        for (std::int64_t i = lane; i < n; i += warp_lanes) {
            low += search.is_low(keys[i]) ? 1u : 0u;
        }
        search.narrow(__reduce_add_sync(all_lanes, low));
    }
    const std::uint64_t kth = search.prefix;
    std::int64_t kept = 0;
    for (std::int64_t begin = 0; begin < n; begin += warp_lanes) {
        const std::uint64_t key = begin + lane < n ? keys[begin + lane] : no_key;
        const unsigned keeping = __ballot_sync(all_lanes, key <= kth);  // all have read theirs
        if (key <= kth) {
            keys[kept + __popc(keeping & ((1u << lane) - 1))] = key;
        }
        kept += __popc(keeping);
    }
    __syncwarp();
    return kth;
}

/// The settings of all lists, plain data.
struct ListSettings {
    std::uint64_t* keys;   // list l of block b: keys + (b * lists a block + l) * capacity
    std::int32_t* limits;  // by query: no row beyond is among its k nearest; in device memory
    std::int64_t k;
    std::int64_t capacity;
};

/// The lists of a block: in shared memory their lengths and the distances they take keys below.
struct Lists {
    const ListSettings& settings;
    int lists;  // of a block
    std::int32_t* memory;

    static constexpr std::int32_t open = 0x7fffffff;

    __device__ std::int32_t& count(int l) const { return memory[l]; }
    __device__ std::int32_t& below(int l) const { return memory[lists + l]; }
    __device__ std::uint64_t* list(int l) const {
        return settings.keys + (std::int64_t{blockIdx.x} * lists + l) * settings.capacity;
    }

    /// Empties list l for a query, or for none: one that takes nothing. One lane calls it.
    __device__ void begin(int l, std::int64_t query, bool exists) const {
        count(l) = 0;
        below(l) = exists ? just_above(settings.limits[query]) : -open;
    }

    /// Any lane of the list's warp.
    __device__ void add(int l, std::int32_t distance, std::int64_t index) const {
        const std::int32_t place = atomicAdd(&count(l), 1);
        list(l)[place] = nearest_key(distance, index);
    }

    /// Whether list l should be settled before it takes up to `burst` keys more.
    __device__ bool is_due(int l, std::int64_t burst) const {
        return count(l) > settings.capacity - burst || (below(l) == open && count(l) >= settings.k);
    }

    /// Keeps the k nearest of list l. With `rising`, rows that come later have higher indices than
    /// those of the list: at the k-th distance they come too late. All lanes of the warp call it.
    __device__ void settle(int l, std::int64_t query, bool rising = true) const {
        __syncwarp();
        const std::uint64_t kth = keep_least(list(l), count(l), settings.k);
        __syncwarp();
        if (kth != no_key && lane_of_warp() == 0) {
            const std::int32_t limit = key_distance(kth);
            const std::int32_t others = atomicMin(&settings.limits[query], limit);
            count(l) = static_cast<std::int32_t>(settings.k);
            below(l) = limit <= others && rising ? limit : just_above(min(limit, others));
        }
        __syncwarp();
    }

    /// Settles those of the lists [first, first + n), n <= 32, that are due; list first + i is of
    /// query first_query + i. All lanes of the warp call it.
    __device__ void settle_due(int first, int n, std::int64_t first_query,
                               std::int64_t burst) const {
        __syncwarp();
        const int lane = lane_of_warp();
        unsigned due = __ballot_sync(all_lanes, lane < n && is_due(first + lane, burst));
        for (; due != 0; due &= due - 1) {
            const int i = __ffs(static_cast<int>(due)) - 1;
            settle(first + i, first_query + i);
        }
    }

    /// Takes the keys of list `from` of the same query into list l, which another warp has ended.
    /// All lanes of the warp call it.
    __device__ void absorb(int l, std::int64_t query, int from) const {
        const int lane = lane_of_warp();
        settle(l, query, false);
        for (std::int64_t begin = 0; begin < count(from); begin += warp_lanes) {
            const std::int64_t i = begin + lane;
            const std::uint64_t key = i < count(from) ? list(from)[i] : no_key;
            if (key != no_key && key_distance(key) < below(l)) {
                add(l, key_distance(key), key_index(key));
            }
            __syncwarp();
            if (__any_sync(all_lanes, count(l) > settings.capacity - warp_lanes)) {
                settle(l, query, false);
            }
        }
    }

    /// Writes the k nearest of list l to `to`, in no order, no_key for those that are missing. All
    /// lanes of the warp call it.
    __device__ void write(int l, std::int64_t query, std::uint64_t* to) const {
        settle(l, query);
        const std::int64_t n = count(l);
        for (std::int64_t i = lane_of_warp(); i < settings.k; i += warp_lanes) {
            to[i] = i < n ? list(l)[i] : no_key;
        }
    }

private:
    __device__ static std::int32_t just_above(std::int32_t limit) {
        return limit == open ? open : limit + 1;
    }
};

}  // namespace splinecode::cuda

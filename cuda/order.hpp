#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "geometry.hpp"
#include "select.hpp"

namespace splinecode::cuda {

__device__ inline void order_pair(std::int32_t* distances, std::int64_t* indices, Pair pair) {
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

/// Orders n neighbours in place by (distance, index): O(n log^2 n) comparisons. All threads of the
/// block call it.
__device__ inline void order_neighbours(std::int32_t* distances, std::int64_t* indices,
                                        std::int64_t n) {
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

/// Orders n different keys in shared memory, n at most a block's threads times some. Likewise.
__device__ inline void order_keys(std::uint64_t* keys, std::int64_t n) {
    const std::int64_t span = sort_span(n);
    for (std::int64_t size = 2; size <= span; size *= 2) {
        for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
            __syncthreads();  // the keys of the last step have been written
            for (std::int64_t i = threadIdx.x; i < span / 2; i += block_threads) {
                const Pair pair =
                    stride == size / 2 ? mirror_pair(i, size) : stride_pair(i, stride);
                if (pair.high < n && keys[pair.high] < keys[pair.low]) {
                    const std::uint64_t least = keys[pair.high];
                    keys[pair.high] = keys[pair.low];
                    keys[pair.low] = least;
                }
            }
        }
    }
    __syncthreads();
}

}  // namespace splinecode::cuda

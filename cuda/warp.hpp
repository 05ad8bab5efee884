#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "geometry.hpp"

/// Where a thread stands among the warps of a grid of blocks of `block_threads`.
namespace splinecode::cuda {

constexpr unsigned all_lanes = 0xffffffff;

__device__ inline int lane_of_warp() { return static_cast<int>(threadIdx.x) % warp_lanes; }

__device__ inline int warp_of_block() { return static_cast<int>(threadIdx.x) / warp_lanes; }

__device__ inline std::int64_t warp_of_grid() {
    return static_cast<std::int64_t>(blockIdx.x) * block_warps + warp_of_block();
}

__device__ inline std::int64_t warps_of_grid() {
    return static_cast<std::int64_t>(gridDim.x) * block_warps;
}

__device__ inline std::int64_t thread_of_grid() {
    return static_cast<std::int64_t>(blockIdx.x) * block_threads + threadIdx.x;
}

__device__ inline std::int64_t threads_of_grid() {
    return static_cast<std::int64_t>(gridDim.x) * block_threads;
}

}  // namespace splinecode::cuda

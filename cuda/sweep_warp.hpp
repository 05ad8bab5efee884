#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "sweep/host_device.hpp"
#include "warp.hpp"

/// What the lanes of a warp find together: the same in all of them, in a fixed order. All lanes
/// call.
namespace splinecode::cuda {

__device__ inline double shuffled_xor(double x, unsigned lanes) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    bits = __shfl_xor_sync(all_lanes, bits, lanes);
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}

__device__ inline double sum_of_warp(double x) {
    for (unsigned lanes = warp_lanes / 2; lanes > 0; lanes /= 2) {
        x += shuffled_xor(x, lanes);
    }
    return x;
}

__device__ inline std::int64_t most_of_warp(std::int64_t x) {
    for (unsigned lanes = warp_lanes / 2; lanes > 0; lanes /= 2) {
        x = sweep::larger(x, __shfl_xor_sync(all_lanes, x, lanes));
    }
    return x;
}

__device__ inline double smallest_of_warp(double x) {
    for (unsigned lanes = warp_lanes / 2; lanes > 0; lanes /= 2) {
        x = sweep::smaller(x, shuffled_xor(x, lanes));
    }
    return x;
}

__device__ inline double largest_of_warp(double x) {
    for (unsigned lanes = warp_lanes / 2; lanes > 0; lanes /= 2) {
        x = sweep::larger(x, shuffled_xor(x, lanes));
    }
    return x;
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "strided.hpp"

namespace splinecode::cuda {

/// Adds the bits of x and y to those of `ones`, place by place: a full adder for 32 places at once.
/// Returns the carries: 2 popcount(carries) + popcount(ones) grows by popcount(x) + popcount(y).
SPLINECODE_HOST_DEVICE constexpr std::uint32_t add_to_ones(std::uint32_t& ones, std::uint32_t x,
                                                           std::uint32_t y) {
    const std::uint32_t carries = (ones & x) | (ones & y) | (x & y);
    ones ^= x ^ y;
    return carries;
}

}  // namespace splinecode::cuda

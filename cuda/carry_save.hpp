#pragma once

#include <cstdint>

#include "strided.hpp"

namespace splinecode::cuda {

/// Adds the bits of x and y to those of `ones`, place by place, and returns the carries: a full
/// adder for every place, two LOP3 for 32. 2 popcount(carries) + popcount(ones) grows by
/// popcount(x) + popcount(y).
template <class Word>
SPLINECODE_HOST_DEVICE constexpr Word add_to_ones(Word& ones, Word x, Word y) {
    const Word carries = (ones & x) | ((ones ^ x) & y);
    ones ^= x ^ y;
    return carries;
}

}  // namespace splinecode::cuda

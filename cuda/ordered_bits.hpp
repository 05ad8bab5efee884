#pragma once

#include <cstdint>
#include <cstring>

#include "strided.hpp"

namespace splinecode::cuda {

/// The bits of |x| as a number that orders as |x| does, NaN above all: the largest of several
/// threads' is found by atomicMax.
SPLINECODE_HOST_DEVICE inline std::int64_t magnitude_bits(double x) {
    std::int64_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return bits & 0x7fffffffffffffff;
}

/// The number whose bits they are.
SPLINECODE_HOST_DEVICE inline double number_of_bits(std::int64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}

}  // namespace splinecode::cuda

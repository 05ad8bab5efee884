#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "element_type.hpp"

/// float16 or bfloat16 bits to their value, the slow and obvious way.
inline double value_of(std::uint16_t bits, splinecode::ElementType type) {
    const int mantissa = type == splinecode::ElementType::bfloat16 ? 7 : 10;
    const int bias = type == splinecode::ElementType::bfloat16 ? 127 : 15;
    const int exponent = (bits & 0x7fff) >> mantissa;
    const int fraction = bits & ((1 << mantissa) - 1);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 2 * bias + 1) {
        return fraction ? std::nan("") : sign * INFINITY;
    }
    const double units = exponent ? fraction + (1 << mantissa) : fraction;
    return sign * std::ldexp(units, std::max(exponent, 1) - bias - mantissa);
}

#pragma once

#include <cstdint>

#include "codes.hpp"
#include "strided.hpp"

/// One type per kind of pre-activation: is a value above the threshold, is it a NaN. Comparing with
/// a NaN is false. Plain data that a kernel takes by value.
namespace splinecode::cuda {

/// float or double; the threshold is already rounded to the type.
template <class Float>
struct FloatAbove {
    using Value = Float;
    Float threshold;

    SPLINECODE_HOST_DEVICE bool is_nan(Float value) const { return value != value; }
    SPLINECODE_HOST_DEVICE bool is_above(Float value) const { return value > threshold; }
};

/// float16 or bfloat16 by their own bits: `key` is the threshold's ordered_key, `infinity`
/// the bits of the format's +infinity.
struct HalfAbove {
    using Value = std::uint16_t;
    std::int16_t key;
    std::uint16_t infinity;

    SPLINECODE_HOST_DEVICE bool is_nan(std::uint16_t bits) const {
        return (bits & 0x7fff) > infinity;
    }
    SPLINECODE_HOST_DEVICE bool is_above(std::uint16_t bits) const {
        return !is_nan(bits) && splinecode::ordered_key(bits) > key;
    }
};

struct BooleanAbove {
    using Value = std::uint8_t;

    SPLINECODE_HOST_DEVICE bool is_nan(std::uint8_t) const { return false; }
    SPLINECODE_HOST_DEVICE bool is_above(std::uint8_t value) const { return value != 0; }
};

}  // namespace splinecode::cuda

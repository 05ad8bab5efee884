#pragma once

// Included last by each level's file: the level's entry in the table of kernels.

#include "codes_body.hpp"
#include "hamming_body.hpp"
#include "kernels.hpp"
#include "segments_body.hpp"

#define SPLINECODE_TEXT_(x) #x
#define SPLINECODE_TEXT(x) SPLINECODE_TEXT_(x)

namespace splinecode::SPLINECODE_LEVEL {

constexpr Kernels table{
    .name = SPLINECODE_TEXT(SPLINECODE_LEVEL),
    .pack_float64 = pack_float<double>,
    .pack_float32 = pack_float<float>,
    .pack_half = pack_half,
    .pack_bool = pack_bool,
    .hamming_distance = hamming_distance,
    .hamming_tile = hamming_tile,
    .find_at_most = find_at_most,
    .classify = classify,
    .any_within = any_within,
    .interpolate_relu = interpolate_relu,
    .row_size = row_size,
};

}  // namespace splinecode::SPLINECODE_LEVEL

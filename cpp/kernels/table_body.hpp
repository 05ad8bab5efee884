#pragma once

// Included last by each level's file: the level's entry in the table of kernels.

#include "kernels.hpp"
#include "lookup_body.hpp"
#include "nibble_body.hpp"
#include "probe_body.hpp"
#include "products_shape.hpp"

#include "codes_body.hpp"
#include "groups_body.hpp"
#include "hamming_body.hpp"
#include "pairs_body.hpp"
#include "products_body.hpp"
#include "segments_body.hpp"
#include "units_body.hpp"

#define SPLINECODE_TEXT_(x) #x
#define SPLINECODE_TEXT(x) SPLINECODE_TEXT_(x)

namespace splinecode::SPLINECODE_LEVEL {

constexpr Kernels table{
    .name = SPLINECODE_TEXT(SPLINECODE_LEVEL),
    .pack_float64 = pack_float<double>,
    .pack_float32 = pack_float<float>,
    .pack_half = pack_half,
    .pack_bool = pack_bool,
    .transpose_bits = transpose_bits,
    .hamming_distance = hamming_distance,
    .hamming_tile = hamming_tile,
    .lookup_vector_bytes = sizeof(Bytes),
    .build_tables = build_tables,
    .add_lookups = add_lookups,
    .next_below = next_below,
    .next_bounded = next_bounded,
    .count_below = count_below,
    .find_at_most = find_at_most,
    .nibbles_pay = nibbles_pay,
    .turn_nibbles = turn_nibbles,
    .add_nibbles = add_nibbles,
    .find_below = find_below,
    .hamming_pairs = hamming_pairs,
    .or_differences = or_differences,
    .and_differences = and_differences,
    .column_counts = column_counts,
    .transpose_eight = transpose64<8>,
    .classify = classify,
    .any_within = any_within,
    .interpolate_relu = interpolate_relu,
    .row_size = row_size,
    .multiply_panel = multiply_panel,
    .pack_nonzero = pack_nonzero,
    .put_between = put_between,
    .add_between = add_between,
    .probe_read = probe_read,
    .probe_popcount = probe_popcount,
    .probe_shuffle = probe_shuffle,
    .words_per_vector = words_per_vector,
};

}  // namespace splinecode::SPLINECODE_LEVEL

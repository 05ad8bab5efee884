#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "array.hpp"
#include "code_rows.hpp"

/// What functions for arrays on the CPU and for those on a CUDA device require alike.
namespace splinecode {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// The shape of the result of packing: leading axes and words.
std::vector<std::int64_t> packed_shape(const Array& z);

/// Words [begin, end) of each layer, within a code of `words`.
std::vector<WordRange> checked_layers(const Ranges& ranges, std::int64_t words);

/// A host array of offsets: non-decreasing, from 0 to the number of `rows`.
std::vector<std::int64_t> checked_offsets(const Array& array, std::int64_t rows);

/// Codes whose width is that of the layers; returns the units of all layers.
std::int64_t need_layers(const Array& words, const std::vector<std::int64_t>& layer_bits);

}  // namespace splinecode

#pragma once

#include <cstdint>

namespace splinecode {

/// A neighbour as one number that orders by (distance, index).
using NeighborKey = std::uint64_t;
constexpr int index_bits = 33;
constexpr std::int64_t most_rows = std::int64_t{1} << index_bits;

constexpr NeighborKey make_key(std::int32_t distance, std::int64_t index) {
    return static_cast<NeighborKey>(distance) << index_bits | static_cast<NeighborKey>(index);
}
constexpr std::int32_t distance_of(NeighborKey key) {
    return static_cast<std::int32_t>(key >> index_bits);
}
constexpr std::int64_t index_of(NeighborKey key) {
    return static_cast<std::int64_t>(key & ((NeighborKey{1} << index_bits) - 1));
}

}  // namespace splinecode

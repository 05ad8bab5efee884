#pragma once

#include <cstdint>

#include "strided.hpp"

/// A neighbour as one number: numbers are ordered as neighbours are, by (distance, index).
namespace splinecode::cuda {

constexpr int index_bits = 34;
constexpr std::int64_t most_indexed_rows = std::int64_t{1} << index_bits;
/// Above every neighbour's.
constexpr std::uint64_t no_key = ~std::uint64_t{0};

SPLINECODE_HOST_DEVICE constexpr std::uint64_t nearest_key(std::int32_t distance,
                                                           std::int64_t index) {
    return static_cast<std::uint64_t>(distance) << index_bits | static_cast<std::uint64_t>(index);
}
SPLINECODE_HOST_DEVICE constexpr std::int32_t key_distance(std::uint64_t key) {
    return static_cast<std::int32_t>(key >> index_bits);
}
SPLINECODE_HOST_DEVICE constexpr std::int64_t key_index(std::uint64_t key) {
    return static_cast<std::int64_t>(key & ((std::uint64_t{1} << index_bits) - 1));
}

/// The search for the rank-th least (from 1) of different keys, from their highest bit that differs
/// down: those that may be it begin with `prefix` above bit `bit`.
struct KeySearch {
    std::uint64_t prefix;
    int bit;
    std::int64_t rank;

    /// `differing`: the bits in which some key differs from `key`, one of them.
    SPLINECODE_HOST_DEVICE static constexpr KeySearch of(std::uint64_t key, std::uint64_t differing,
                                                         std::int64_t rank) {
        int bit = -1;
        while (differing != 0) {
            differing >>= 1;
            ++bit;
        }
        return {bit == 63 ? 0 : key >> (bit + 1), bit, rank};
    }
    SPLINECODE_HOST_DEVICE constexpr bool done() const { return bit < 0; }
    /// Whether a key begins with the prefix and a 0.
    SPLINECODE_HOST_DEVICE constexpr bool is_low(std::uint64_t key) const {
        return key >> bit == prefix << 1;
    }
    /// Goes on when `low` keys are low.
    SPLINECODE_HOST_DEVICE constexpr void narrow(std::int64_t low) {
        const bool high = rank > low;
        prefix = prefix << 1 | static_cast<std::uint64_t>(high);
        rank -= high ? low : 0;
        --bit;
    }
};

/// Keys that a list has room for: the k nearest and some to come; after any `burst` keys that come
/// at once there is room for a look at it.
constexpr std::int64_t list_capacity(std::int64_t k, std::int64_t burst) {
    return (k + burst + 64 + 31) / 32 * 32;
}

}  // namespace splinecode::cuda

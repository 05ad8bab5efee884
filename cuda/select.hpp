#pragma once

#include <cstdint>

#include "codes.hpp"
#include "strided.hpp"

/// The bookkeeping of selecting and ordering the k nearest. Plain arithmetic, so the CPU tests run
/// it against a sort.
namespace splinecode::cuda {

/// The distance written for a row that its query must not return: above every real one, so it is
/// never among k <= n_rows - 1 nearest.
constexpr std::int32_t excluded_distance(std::int64_t words) {
    return static_cast<std::int32_t>(words * splinecode::word_bits + 1);
}

/// Bits that hold every distance of codes of `words` words, the excluded one among them.
constexpr int distance_bits(std::int64_t words) {
    int bits = 0;
    for (std::int64_t greatest = excluded_distance(words); greatest != 0; greatest /= 2) {
        ++bits;
    }
    return bits;
}

/// What is known of the k-th smallest key after some digits: its high bits are `prefix`, and it is
/// the `rank`-th smallest (from 1) of the keys that begin so. Once all digits are known `prefix` is
/// the key itself, and `rank` of the keys equal to it belong to the k smallest.
struct Search {
    std::uint32_t prefix;
    std::int64_t rank;
};

/// The digit in bits [low, high) of a key. Digits are taken from the top, 8 bits at a time.
///
/// Example: keys of 11 bits have the digits [3, 11) and [0, 3).
struct Digit {
    static constexpr int most_bits = 8;
    static constexpr int most_values = 1 << most_bits;

    int low;
    int high;

    /// The highest digit of a key whose lowest `high` bits are not known yet; none if high == 0.
    SPLINECODE_HOST_DEVICE static constexpr Digit below(int high) {
        return {high > most_bits ? high - most_bits : 0, high};
    }
    SPLINECODE_HOST_DEVICE constexpr bool exists() const { return high > 0; }
    SPLINECODE_HOST_DEVICE constexpr Digit next() const { return below(low); }

    SPLINECODE_HOST_DEVICE constexpr bool follows(std::uint32_t key, std::uint32_t prefix) const {
        return key >> high == prefix;
    }
    SPLINECODE_HOST_DEVICE constexpr std::uint32_t of(std::uint32_t key) const {
        return key >> low & ((std::uint32_t{1} << (high - low)) - 1);
    }

    /// Narrows to the keys with one value of this digit, when `before` keys have a lower one.
    SPLINECODE_HOST_DEVICE constexpr Search narrow(Search search, std::uint32_t value,
                                                   std::int64_t before) const {
        return {search.prefix << (high - low) | value, search.rank - before};
    }
};

/// Whether the rank-th key (from 1) is one of `count` keys that come after `before` others.
SPLINECODE_HOST_DEVICE constexpr bool holds_rank(std::int64_t before, std::int64_t count,
                                                 std::int64_t rank) {
    return before < rank && rank <= before + count;
}

/// Neighbours are ordered by (distance, index).
SPLINECODE_HOST_DEVICE constexpr bool comes_before(std::int32_t distance_a, std::int64_t index_a,
                                                   std::int32_t distance_b, std::int64_t index_b) {
    return distance_a != distance_b ? distance_a < distance_b : index_a < index_b;
}

/// A bitonic sort of any number of entries, every comparison of which puts the lesser entry low:
/// entries at n and above would be infinite and never move, so their comparisons are left out.
/// A stage merges sorted runs of `size` / 2 into runs of `size`, a power of two. Its first step
/// compares mirror images within a run, the next ones neighbours `stride` apart; the pairs of a
/// step are disjoint, numbered from 0, and half as many as sort_span(n).
///
/// Example: size 4 compares (0, 3) (1, 2), then with stride 1 (0, 1) (2, 3).
struct Pair {
    std::int64_t low;
    std::int64_t high;
};

SPLINECODE_HOST_DEVICE constexpr Pair mirror_pair(std::int64_t pair, std::int64_t size) {
    const std::int64_t offset = pair & (size / 2 - 1);
    const std::int64_t run = (pair - offset) * 2;
    return {run + offset, run + size - 1 - offset};
}

SPLINECODE_HOST_DEVICE constexpr Pair stride_pair(std::int64_t pair, std::int64_t stride) {
    const std::int64_t low = pair * 2 - (pair & (stride - 1));
    return {low, low + stride};
}

/// The least power of two that is at least n.
SPLINECODE_HOST_DEVICE constexpr std::int64_t sort_span(std::int64_t n) {
    std::int64_t span = 1;
    while (span < n) {
        span *= 2;
    }
    return span;
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "code_rows.hpp"
#include "parallel.hpp"
#include "strided.hpp"

/// The codes along segments, from each segment's first code and the bits that flip at crossings.
namespace splinecode {

/// A bit of a code: `place` is 64 times its word, plus its number there.
struct CodeBit {
    std::int64_t word;
    std::uint64_t bit;

    SPLINECODE_HOST_DEVICE static constexpr CodeBit at(std::int64_t place) {
        return {place / 64, std::uint64_t{1} << static_cast<std::uint64_t>(place % 64)};
    }
};

/// Segments cut into pieces by knots, and the crossings on them. Crossings of segment s are entries
/// [offsets[s], offsets[s + 1]) in the order of t; its knots [knot_offsets[s], knot_offsets[s + 1])
/// rise, and are at least two. A piece lies between two knots: those of all segments are numbered
/// one after the other. Crossings lie at knots, and before the last one of their segment.
struct PieceFlips {
    std::int64_t segments = 0;
    const std::int64_t* offsets = nullptr;
    const double* t = nullptr;
    const std::int64_t* place = nullptr;
    const std::int64_t* knot_offsets = nullptr;
    const double* knots = nullptr;

    /// The first piece of segment s, up to s = segments: the end.
    SPLINECODE_HOST_DEVICE std::int64_t first_piece(std::int64_t s) const {
        return knot_offsets[s] - s;
    }
    /// Where piece i of segment s ends.
    SPLINECODE_HOST_DEVICE double end_of(std::int64_t s, std::int64_t i) const {
        return knots[knot_offsets[s] + i + 1];
    }
    /// The first crossing of segment s after its piece i, by bisection.
    SPLINECODE_HOST_DEVICE std::int64_t crossings_until(std::int64_t s, std::int64_t i) const {
        const double end = end_of(s, i);
        std::int64_t low = offsets[s];
        std::int64_t high = offsets[s + 1];
        while (low < high) {
            const std::int64_t middle = low + (high - low) / 2;
            if (t[middle] < end) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
};

/// words[i] = the code of piece i: row s of `first` for the first piece of segment s, from where on
/// the bits of crossings flip, each from the piece on that begins at its t. Rows of words are as
/// wide as those of `first`, without gaps. O(pieces * words + crossings).
///
/// Example: with knots 0, 0.5, 1 and a crossing of place 65 at 0.5, a first code {5, 0} gives
/// {5, 0} and {5, 2}.
void piece_codes(const CodeRows& first, const PieceFlips& flips, std::uint64_t* words,
                 const Interrupt& interrupt);

/// Flips bit `place[i]` of row `row[i]` of codes, for each i of n. Rows are `row_words` words wide,
/// without gaps.
void flip_bits(const std::int64_t* row, const std::int64_t* place, std::int64_t n,
               std::int64_t row_words, std::uint64_t* words);

}  // namespace splinecode

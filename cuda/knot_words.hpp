#pragma once

#include <cstdint>

#include "strided.hpp"
#include "sweep/knot_search.hpp"

/// Sets of the knots of tracks as bits. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// Where the sets of some cells on all tracks lie: one cell after the other, of each the tracks in
/// their order. The knot at position i of a track is bit i % 64 of word i / 64 of its set.
///
/// Example: with 64 and 65 knots on two tracks a cell has 4 words. The first set is word 0, the
/// second words 2 and 3; word 1 is never set: where sets begin takes no sum over those before.
struct KnotWords {
    static constexpr std::int64_t word_bits = 64;

    const std::int64_t* begin;  // (tracks + 1): of each track in a table of knots
    std::int64_t tracks;
    std::int64_t knots;  // in the table

    /// Words of a cell.
    SPLINECODE_HOST_DEVICE std::int64_t per_cell() const { return knots / word_bits + tracks; }

    /// The first word of a track, of those of a cell.
    SPLINECODE_HOST_DEVICE std::int64_t first_of(std::int64_t track) const {
        return begin[track] / word_bits + track;
    }

    /// The first word of list cell * tracks + track.
    SPLINECODE_HOST_DEVICE std::int64_t first_of_list(std::int64_t list) const {
        return list / tracks * per_cell() + first_of(list % tracks);
    }

    /// The track of a word of those of a cell. O(log tracks).
    SPLINECODE_HOST_DEVICE std::int64_t track_at(std::int64_t word) const {
        std::int64_t track = 0;
        for (std::int64_t end = tracks; end - track > 1;) {
            const std::int64_t middle = track + (end - track) / 2;
            if (first_of(middle) <= word) {
                track = middle;
            } else {
                end = middle;
            }
        }
        return track;
    }
};

/// The first of the knots t of a track that is equal to knot i of a list of `count`, all of which
/// are among them. Both rise, so that as many knots are before it and after it as in the list.
/// O(log n), O(1) if the list has all knots.
SPLINECODE_HOST_DEVICE inline std::int64_t position_of_row(const double* t, std::int64_t n,
                                                           const double* list, std::int64_t count,
                                                           std::int64_t i) {
    return sweep::first_not_below(t, i, n - (count - i), list[i]);
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "geometry.hpp"
#include "piece_codes.hpp"

/// How the pieces of segments are cut into chunks. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// The pieces of each segment in chunks of `most` (its last one is shorter). A segment has slots
/// for chunks, as many as it can need at most, so that a slot's segment is found by bisection and
/// nothing is counted: slots are numbered one after the other, and some hold no pieces.
///
/// Example: segments of 3 and 200 pieces have slots 0 and [1, 3), from 3 / 128 + 1 on.
struct PieceChunks {
    static constexpr std::int64_t most = 128;

    /// Pieces [begin, end) of a segment: none in a slot that is not needed.
    struct Chunk {
        std::int64_t segment;
        std::int64_t begin;
        std::int64_t end;
    };

    PieceFlips flips;

    SPLINECODE_HOST_DEVICE static constexpr std::int64_t slots(std::int64_t pieces,
                                                               std::int64_t segments) {
        return pieces / most + segments;
    }
    SPLINECODE_HOST_DEVICE std::int64_t first_slot(std::int64_t s) const {
        return flips.first_piece(s) / most + s;
    }
    SPLINECODE_HOST_DEVICE std::int64_t pieces_of(std::int64_t s) const {
        return flips.first_piece(s + 1) - flips.first_piece(s);
    }
    SPLINECODE_HOST_DEVICE Chunk at(std::int64_t slot) const {
        std::int64_t low = 0;  // its first slot is at most `slot`
        std::int64_t high = flips.segments;
        while (high - low > 1) {
            const std::int64_t middle = low + (high - low) / 2;
            if (first_slot(middle) <= slot) {
                low = middle;
            } else {
                high = middle;
            }
        }
        const std::int64_t pieces = pieces_of(low);
        const std::int64_t begin = (slot - first_slot(low)) * most;
        const std::int64_t end = begin + most < pieces ? begin + most : pieces;
        return {low, begin, end};
    }
};

}  // namespace splinecode::cuda

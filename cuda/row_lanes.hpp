#pragma once

#include <cstdint>

#include "geometry.hpp"

/// Which lanes share a row, and which layers one launch compares. Plain arithmetic, so the CPU
/// tests run it.
namespace splinecode::cuda {

/// Words of a row that a lane should have at least: two loads of 16 bytes a side.
constexpr int lane_words = 4;

/// Neighbouring lanes that share a row of `words` words: a power of two, at most a warp.
constexpr int lanes_for(std::int64_t words) {
    int lanes = 1;
    while (lanes < warp_lanes && lanes * lane_words < words) {
        lanes *= 2;
    }
    return lanes;
}

/// Layers of a like width, handed to a kernel by value: words [begin, end) of a code, whose
/// distance is entry `column` of a row of results.
struct LayerRanges {
    static constexpr int most = 64;

    int count = 0;
    std::int64_t begin[most];
    std::int64_t end[most];
    std::int64_t column[most];

    bool full() const { return count == most; }
    void add(std::int64_t first, std::int64_t last, std::int64_t to) {
        begin[count] = first;
        end[count] = last;
        column[count++] = to;
    }
};

}  // namespace splinecode::cuda

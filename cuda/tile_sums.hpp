#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "tile_shape.hpp"
#include "warp.hpp"

/// The sums of a tile in the registers of a warp, as a sink finds them. With the query count of its
/// slot a sum is a distance.
namespace splinecode::cuda {

/// Where the sums of a warp's tile belong.
struct TilePlace {
    std::int64_t first_query;  // of the warp
    std::int64_t first_row;    // of the tile
};

/// Rows of a tile that exist, at most Shape::rows.
template <class Shape>
__device__ int rows_left(const TilePlace& place, std::int64_t n_rows) {
    const std::int64_t left = n_rows - place.first_row;
    return left < Shape::rows ? static_cast<int>(left) : Shape::rows;
}

/// Whether a lane of the warp has a sum below the number of its slot.
template <class Shape>
__device__ bool any_below(typename Shape::Sums& sums, const std::int32_t (&below)[Shape::slots]) {
    bool found = false;
#pragma unroll
    for (int slot = 0; slot < Shape::slots; ++slot) {
        std::int32_t least = Shape::at(sums, slot, 0);
#pragma unroll
        for (int column = 1; column < Shape::columns; ++column) {
            least = min(least, Shape::at(sums, slot, column));
        }
        found = found || least < below[slot];
    }
    return __any_sync(all_lanes, found);
}

/// Calls f(query, row, distance) for each sum below the number of its slot, query and row counted
/// within the warp's queries and the first `rows` of the tile. For sums of which few are: they are
/// marked first, so that f stands in the code once, and a marked sum is looked for in the
/// registers.
template <class Shape, class F>
__device__ void for_each_below(typename Shape::Sums& sums,
                               const std::int32_t (&query_counts)[Shape::slots],
                               const std::int32_t (&below)[Shape::slots], int rows, const F& f) {
    static_assert(Shape::slots * Shape::columns <= 64);
    const int lane = lane_of_warp();
    std::uint64_t marks = 0;
#pragma unroll
    for (int slot = 0; slot < Shape::slots; ++slot) {
#pragma unroll
        for (int column = 0; column < Shape::columns; ++column) {
            const bool marked =
                Shape::at(sums, slot, column) < below[slot] && Shape::row(lane, column) < rows;
            marks |= std::uint64_t{marked} << (slot * Shape::columns + column);
        }
    }
#pragma unroll 1
    for (; marks != 0; marks &= marks - 1) {
        const int marked = __ffsll(static_cast<long long>(marks)) - 1;
        const int marked_slot = marked / Shape::columns;
        std::int32_t sum = 0;
        std::int32_t count = 0;
#pragma unroll
        for (int slot = 0; slot < Shape::slots; ++slot) {
            count = slot == marked_slot ? query_counts[slot] : count;
#pragma unroll
            for (int column = 0; column < Shape::columns; ++column) {
                const bool found = slot * Shape::columns + column == marked;
                sum = found ? Shape::at(sums, slot, column) : sum;
            }
        }
        f(Shape::query(lane, marked_slot), Shape::row(lane, marked % Shape::columns), sum + count);
    }
}

}  // namespace splinecode::cuda

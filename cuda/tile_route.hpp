#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "geometry.hpp"
#include "tile_shape.hpp"

/// The routes by which the units that two codes of a tile share, or differ in, are summed. All give
/// the same distances; which one is fast depends on the device (routes.hpp).
///
/// A route has the shape of its tiles, `Sums` in the registers of each thread, and
///   steps_log2(words)  log2 of the steps of a chunk,
///   clear(sums)        before the first chunk,
///   start(sums, ...)   adds a chunk, perhaps still running on return,
///   wait()             until it is through,
///   finish(sums)       hands over the sums after the last chunk.
namespace splinecode::cuda {

/// A chunk of the tile's queries and rows in shared memory, `steps` steps long.
struct TileChunk {
    std::uint32_t queries;
    std::uint32_t rows;
    int steps;
};

/// What a route's tiles look like. `blocks` of them shall run on a multiprocessor at once.
template <int Warps, int QueryTiles, int RowTiles, int Blocks>
struct TileShape {
    using Shape = Fragment<QueryTiles, RowTiles>;
    static constexpr int threads = Warps * warp_lanes;
    static constexpr int blocks = Blocks;
    static constexpr int queries = Warps * Shape::warp_queries;
    static constexpr int rows = Shape::rows;
    static constexpr int copies_unrolled = 1;

    SPLINECODE_HOST_DEVICE static constexpr int steps_log2(std::int64_t words) {
        return Chunks{words}.steps_log2();
    }
};

template <class Sums>
__device__ void set_to_zero(Sums& sums) {
#pragma unroll
    for (auto& of_queries : sums) {
#pragma unroll
        for (auto& of_rows : of_queries) {
#pragma unroll
            for (auto& sum : of_rows) {
                sum = 0;
            }
        }
    }
}

}  // namespace splinecode::cuda

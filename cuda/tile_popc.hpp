#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "carry_save.hpp"
#include "ptx.hpp"
#include "tile_route.hpp"
#include "tile_shape.hpp"
#include "warp.hpp"

/// The route without tensor cores.
namespace splinecode::cuda {

/// XOR and population counts with one carry-save level: every two words are added to a word of
/// ones, and only their carry is counted. 4 logic operations and a count for 2 x 32 units, instead
/// of 2 and 2: POPC runs at a quarter of the rate. Any device.
struct PopcProducts : TileShape<4, 1, 8, 3> {
    static constexpr bool runs_here = true;
    static constexpr bool counts_shared = false;
    static constexpr bool asynchronous = false;

    struct Sums {
        Shape::Sums carries;
        std::uint32_t ones[Shape::slots / 2][Shape::columns / 2][4];
    };

    __device__ static void clear(Sums& sums) {
        set_to_zero(sums.carries);
        set_to_zero(sums.ones);
    }

    __device__ static void start(Sums& sums, const TileChunk& chunk) {
        const int lane = lane_of_warp();
        const int warp = warp_of_block();
#pragma unroll 1
        for (int piece = 0; piece < 2 * chunk.steps; ++piece) {
            uint4 queries[Shape::slots];
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                const int line = warp * Shape::warp_queries + Shape::query(lane, slot);
                queries[slot] = ptx::load_16(chunk.queries +
                                             static_cast<std::uint32_t>(piece_offset(line, piece)));
            }
#pragma unroll
            for (int column = 0; column < Shape::columns; ++column) {
                const uint4 row = ptx::load_16(chunk.rows + static_cast<std::uint32_t>(piece_offset(
                                                                Shape::row(lane, column), piece)));
#pragma unroll
                for (int slot = 0; slot < Shape::slots; ++slot) {
                    add(sums, slot, column, queries[slot], row);
                }
            }
        }
    }
    __device__ static void wait() {}

    __device__ static Shape::Sums& finish(Sums& sums) {
#pragma unroll
        for (int m = 0; m < Shape::slots / 2; ++m) {
#pragma unroll
            for (int j = 0; j < Shape::columns / 2; ++j) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    sums.carries[m][j][i] = 2 * sums.carries[m][j][i] + __popc(sums.ones[m][j][i]);
                }
            }
        }
        return sums.carries;
    }

private:
    __device__ static void add(Sums& sums, int slot, int column, const uint4& a, const uint4& b) {
        std::int32_t& carries = Shape::at(sums.carries, slot, column);
        std::uint32_t& ones = sums.ones[slot / 2][column / 2][slot % 2 * 2 + column % 2];
        carries += __popc(add_to_ones(ones, a.x ^ b.x, a.y ^ b.y));
        carries += __popc(add_to_ones(ones, a.z ^ b.z, a.w ^ b.w));
    }
};

}  // namespace splinecode::cuda

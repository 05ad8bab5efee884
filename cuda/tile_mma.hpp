#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "ptx.hpp"
#include "tile_route.hpp"
#include "tile_shape.hpp"
#include "warp.hpp"

/// Routes whose products are those of a warp: mma of single bits, and of bytes.
namespace splinecode::cuda {

/// What the lanes of a warp hold of a step of its queries and of all rows of the tile.
template <class Shape>
struct StepFragments {
    static constexpr int query_tiles = Shape::slots / 2;
    static constexpr int row_tiles = Shape::columns / 2;
    std::uint32_t queries[query_tiles][4];
    std::uint32_t rows[row_tiles][2];

    /// Each lane points at a line of an 8 x 16-byte matrix: ptx::load_matrices.
    __device__ void load(const TileChunk& chunk, int first_query, int step) {
        const int lane = lane_of_warp();
#pragma unroll
        for (int m = 0; m < query_tiles; ++m) {
            const int line = first_query + m * 16 + lane % 16;
            ptx::load_matrices(queries[m], chunk.queries + static_cast<std::uint32_t>(piece_offset(
                                                               line, 2 * step + lane / 16)));
        }
#pragma unroll
        for (int j = 0; j < row_tiles; j += 2) {
            const int line = (j + lane / 16) * 8 + lane % 8;
            std::uint32_t both[4];
            ptx::load_matrices(both, chunk.rows + static_cast<std::uint32_t>(
                                                      piece_offset(line, 2 * step + lane / 8 % 2)));
            rows[j][0] = both[0];
            rows[j][1] = both[1];
            rows[j + 1][0] = both[2];
            rows[j + 1][1] = both[3];
        }
    }
};

/// mma of single bits: one instruction for 16 queries, 8 rows and 256 bits.
struct B1Multiply {
#if !defined(__CUDA_ARCH__) || (__CUDA_ARCH__ >= 800 && __CUDA_ARCH__ < 1000)
    static constexpr bool runs_here = true;
#else
    static constexpr bool runs_here = false;  // the instruction is emulated there: slow to no use
#endif

    template <class Shape>
    __device__ static void add(typename Shape::Sums& sums, const StepFragments<Shape>& step) {
#pragma unroll
        for (int j = 0; j < Shape::columns / 2; ++j) {
#pragma unroll
            for (int m = 0; m < Shape::slots / 2; ++m) {
                ptx::multiply_b1(sums[m][j], step.queries[m], step.rows[j][0], step.rows[j][1]);
            }
        }
    }
};

/// mma of bytes 0 and 1. The 32 bits that a lane holds become bytes eight times: bits i, i + 8,
/// i + 16 and i + 24 by a shift and a mask. Which bits meet in one product does not matter, as long
/// as they are the same ones of both codes.
struct Int8Multiply {
    static constexpr bool runs_here = true;

    __device__ static std::uint32_t bytes(std::uint32_t bits, int i) {
        return bits >> i & 0x01010101u;
    }

    template <class Shape>
    __device__ static void add(typename Shape::Sums& sums, const StepFragments<Shape>& step) {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            std::uint32_t queries[Shape::slots / 2][4];
#pragma unroll
            for (int m = 0; m < Shape::slots / 2; ++m) {
#pragma unroll
                for (int part = 0; part < 4; ++part) {
                    queries[m][part] = bytes(step.queries[m][part], i);
                }
            }
#pragma unroll
            for (int j = 0; j < Shape::columns / 2; ++j) {
#pragma unroll
                for (int m = 0; m < Shape::slots / 2; ++m) {
                    ptx::multiply_s8(sums[m][j], queries[m], bytes(step.rows[j][0], i),
                                     bytes(step.rows[j][1], i));
                }
            }
        }
    }
};

/// 128 queries x 64 rows. A step of the tile is 128 x 64 x 256 products for 12 KiB read from shared
/// memory: 96 bytes a clock at 16,384 bit products a clock.
template <class Multiply>
struct WarpProducts : TileShape<4, 2, 8, 3> {
    static constexpr bool runs_here = Multiply::runs_here;
    static constexpr bool counts_shared = true;
    static constexpr bool asynchronous = false;
    using Sums = Shape::Sums;

    __device__ static void clear(Sums& sums) { set_to_zero(sums); }

    __device__ static void start(Sums& sums, const TileChunk& chunk) {
        const int warp = warp_of_block();
#pragma unroll 1
        for (int step = 0; step < chunk.steps; ++step) {
            StepFragments<Shape> fragments;
            fragments.load(chunk, warp * Shape::warp_queries, step);
            Multiply::template add<Shape>(sums, fragments);
        }
    }
    __device__ static void wait() {}
    __device__ static Shape::Sums& finish(Sums& sums) { return sums; }
};

using B1Products = WarpProducts<B1Multiply>;
using Int8Products = WarpProducts<Int8Multiply>;

}  // namespace splinecode::cuda

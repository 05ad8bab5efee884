#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "carry_save.hpp"
#include "geometry.hpp"
#include "ptx.hpp"
#include "tile_shape.hpp"
#include "warp.hpp"

/// The routes by which the units that two codes of a tile share, or differ in, are summed. All give
/// the same distances; which one is fast depends on the device (route.hpp).
///
/// A route has the shape of its tiles, `Sums` in the registers of each thread, and
///   clear(sums)        before the first chunk,
///   start(sums, ...)   adds a chunk, perhaps still running on return,
///   wait()             until it is through,
///   finish(sums)       hands over the sums after the last chunk.
namespace splinecode::cuda {

/// A chunk of the tile's queries and rows in shared memory; only the first `steps` steps are
/// filled.
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

// ------------------------------------------------------------------ a warp's tensor-core products

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

// ------------------------------------------------------------------ a warpgroup's products

/// Tells wgmma of lines of 128 bytes, swizzled as piece_offset does, from a multiple of
/// tile_alignment on, or 32, 64 or 96 bytes later for a further step.
///
/// Bits 0-13: address / 16; 16-29: unused with a swizzle; 32-45: bytes from 8 lines to the next 8,
/// / 16; 62-63: 1 for the 128-byte swizzle (PTX ISA, "Matrix Descriptor Format").
SPLINECODE_HOST_DEVICE constexpr std::uint64_t matrix_descriptor(std::uint32_t address) {
    return static_cast<std::uint64_t>(address >> 4 & 0x3fff) | std::uint64_t{1} << 16 |
           static_cast<std::uint64_t>(tile_alignment >> 4) << 32 | std::uint64_t{1} << 62;
}

/// wgmma of single bits, sm_90a alone: 64 queries x 128 rows a warpgroup. Two warpgroups share the
/// rows; one is for few queries, where the memory binds. Warp w of a warpgroup gets the sums of
/// its queries 16 w and on, as mma's 16 x 8 fragments. `Steps` is that of the chunks: ptxas makes
/// products wait for each other where their number is not known (C7520).
template <int Warpgroups, int Steps>
struct WarpgroupProducts : TileShape<4 * Warpgroups, 1, 16, Warpgroups == 1 ? 3 : 2> {
    using Base = TileShape<4 * Warpgroups, 1, 16, Warpgroups == 1 ? 3 : 2>;
    using Shape = Base::Shape;
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
    static constexpr bool runs_here = true;
#else
    static constexpr bool runs_here = false;
#endif
    static constexpr bool counts_shared = true;
    static constexpr bool asynchronous = true;

    struct Sums {
        Shape::Sums values;
        int started;
    };

    __device__ static void clear(Sums& sums) { sums.started = 0; }

    __device__ static void start(Sums& sums, const TileChunk& chunk) {
        constexpr std::uint32_t group_bytes = 64 * chunk_bytes;
        const std::uint32_t group = threadIdx.x / (4 * warp_lanes);
        ptx::begin_products();
#pragma unroll
        for (int step = 0; step < Steps; ++step) {
            const auto at = static_cast<std::uint32_t>(step * step_bytes);
            ptx::multiply_b1_warpgroup(sums.values[0],
                                       matrix_descriptor(chunk.queries + group * group_bytes + at),
                                       matrix_descriptor(chunk.rows + at), sums.started);
            sums.started = 1;
        }
        ptx::commit_products();
    }
    __device__ static void wait() { ptx::wait_products(); }
    __device__ static Shape::Sums& finish(Sums& sums) { return sums.values; }
};

// ------------------------------------------------------------------ XOR and population counts

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

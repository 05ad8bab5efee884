#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "ptx.hpp"
#include "tile_route.hpp"
#include "tile_shape.hpp"
#include "warp.hpp"

/// The route whose products are those of a warpgroup.
namespace splinecode::cuda {

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

    static constexpr int copies_unrolled = chunk_pieces;
    SPLINECODE_HOST_DEVICE static constexpr int steps_log2(std::int64_t) {
        return Steps == 1 ? 0 : Steps == 2 ? 1 : 2;
    }

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

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "geometry.hpp"
#include "strided.hpp"

/// How the lanes of a warp transpose 32 x 32 bits, a row a lane. Plain arithmetic, so the CPU tests
/// run it. See transpose64 of cpp/bit_transpose.hpp.
namespace splinecode::cuda {

/// Of each square of 2 half x 2 half bits on the diagonal, the two half x half squares beside it
/// change places: a lane keeps the bits `kept` and takes the others from lane `lane ^ half`, whose
/// row is turned right by `turn` (1 to 31) for that.
struct SquareSwap {
    std::uint32_t kept;
    int turn;

    SPLINECODE_HOST_DEVICE static constexpr SquareSwap of(int lane, int half) {
        std::uint32_t low = 0xffffffff >> (warp_lanes - half);
        for (int width = 2 * half; width < warp_lanes; width *= 2) {
            low |= low << width;
        }
        return (lane & half) == 0 ? SquareSwap{low, warp_lanes - half} : SquareSwap{~low, half};
    }

    SPLINECODE_HOST_DEVICE constexpr std::uint32_t apply(std::uint32_t row,
                                                         std::uint32_t other) const {
        const std::uint32_t turned = other >> turn | other << (warp_lanes - turn);
        return (row & kept) | (turned & ~kept);
    }
};

}  // namespace splinecode::cuda

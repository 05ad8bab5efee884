#include <cstdint>

#include "geometry.hpp"
#include "ordered_bits.hpp"
#include "runtime.hpp"
#include "sweep/bound_rules.hpp"
#include "sweep_rows.hpp"
#include "sweep_warp.hpp"
#include "warp.hpp"

/// Rounding bounds of all tracks. A handful of numbers a track: floors are the launches.
namespace splinecode::cuda {
namespace {

using sweep::Bounds;

__device__ Bounds load(const double* from, std::int64_t tracks, std::int64_t track) {
    const double* const x = from + track;
    return {x[0], x[tracks], x[2 * tracks], x[3 * tracks], x[4 * tracks], x[5 * tracks]};
}

__device__ void store(const Bounds& bounds, double* to, std::int64_t tracks, std::int64_t track) {
    const double all[] = {bounds.e2,    bounds.einf,    bounds.snapinf,
                          bounds.size2, bounds.sizeinf, bounds.steps};
    for (const double x : all) {
        to[track] = x;
        to += tracks;
    }
}

__device__ void store(const sweep::AffineStep& step, double* to, std::int64_t tracks,
                      std::int64_t track) {
    const double all[] = {step.e2,    step.einf,  step.size2,    step.sizeinf,
                          step.gamma, step.steps, step.underflow};
    for (const double x : all) {
        to[track] = x;
        to += tracks;
    }
}

/// Of all lanes' units, the same in each of them. All lanes call.
__device__ sweep::UnitsTaken taken_by_warp(sweep::UnitsTaken units) {
    for (unsigned lanes = warp_lanes / 2; lanes > 0; lanes /= 2) {
        units.take(sweep::UnitsTaken{
            shuffled_xor(units.einf, lanes), shuffled_xor(units.snapinf, lanes),
            shuffled_xor(units.sizeinf, lanes), shuffled_xor(units.squares, lanes)});
    }
    return units;
}

/// A block a track.
__global__ void __launch_bounds__(block_threads)
    affine_bounds_kernel(const double* from, const NormArrays norms, const sweep::MapNorms map,
                         const sweep::Arithmetic arithmetic, double* to, double* steps,
                         std::int64_t tracks) {
    __shared__ sweep::UnitsTaken by_warp[block_warps];
    for (std::int64_t track = blockIdx.x; track < tracks; track += gridDim.x) {
        const sweep::AffineStep step =
            sweep::affine_step(load(from, tracks, track), map.terms, arithmetic);
        sweep::UnitsTaken units;
#pragma unroll 4
        for (std::int64_t j = threadIdx.x; j < norms.units; j += block_threads) {
            units.take(sweep::unit_tolerance(step, {norms.row1[j], norms.row2[j], norms.bias[j]}),
                       norms.bias[j]);
        }
        units = taken_by_warp(units);
        if (lane_of_warp() == 0) {
            by_warp[warp_of_block()] = units;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            sweep::UnitsTaken all;
            for (const sweep::UnitsTaken& some : by_warp) {
                all.take(some);
            }
            store(sweep::affine_bounds(step, map, all, norms.units), to, tracks, track);
            store(step, steps, tracks, track);
        }
        __syncthreads();
    }
}

/// A thread a track, as all below.
__global__ void __launch_bounds__(block_threads)
    sum_bounds_kernel(const double* from, std::int64_t n, double u, double* to,
                      std::int64_t tracks) {
    for (std::int64_t track = thread_of_grid(); track < tracks; track += threads_of_grid()) {
        sweep::SumOfBounds sum(n, u);
        for (std::int64_t i = 0; i < n; ++i) {
            sum.take(load(from + i * 6 * tracks, tracks, track));
        }
        store(sum.all(), to, tracks, track);
    }
}

__global__ void __launch_bounds__(block_threads)
    view_bounds_kernel(const double* from, std::int64_t n, double multiplicity, double* to,
                       std::int64_t tracks) {
    for (std::int64_t track = thread_of_grid(); track < tracks; track += threads_of_grid()) {
        sweep::JoinedBounds joined;
        for (std::int64_t i = 0; i < n; ++i) {
            joined.take(load(from + i * 6 * tracks, tracks, track));
        }
        store(joined.all(multiplicity), to, tracks, track);
    }
}

__global__ void __launch_bounds__(block_threads)
    kink_bounds_kernel(const double* from, double steepest, double multiplicity,
                       const std::int64_t* shift, const double* together, double u, double* to,
                       std::int64_t tracks) {
    for (std::int64_t track = thread_of_grid(); track < tracks; track += threads_of_grid()) {
        const sweep::KinkErrors errors{number_of_bits(shift[track]), together[track]};
        store(sweep::kink_bounds(load(from, tracks, track), steepest, multiplicity, errors, u), to,
              tracks, track);
    }
}

}  // namespace

void affine_bounds(const double* from, const NormArrays& norms, const sweep::MapNorms& map,
                   const sweep::Arithmetic& arithmetic, double* to, double* step,
                   std::int64_t tracks, Stream stream) {
    if (tracks == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("affine_bounds", affine_bounds_kernel, tracks, stream, from, norms, map, arithmetic, to,
           step, tracks);
}

void sum_bounds(const double* from, std::int64_t n, double u, double* to, std::int64_t tracks,
                Stream stream) {
    if (tracks == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("sum_bounds", sum_bounds_kernel, ceil_div(tracks, block_threads), stream, from, n, u, to,
           tracks);
}

void view_bounds(const double* from, std::int64_t n, double multiplicity, double* to,
                 std::int64_t tracks, Stream stream) {
    if (tracks == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("view_bounds", view_bounds_kernel, ceil_div(tracks, block_threads), stream, from, n,
           multiplicity, to, tracks);
}

void kink_bounds(const double* from, double steepest, double multiplicity,
                 const std::int64_t* shift, const double* together, double u, double* to,
                 std::int64_t tracks, Stream stream) {
    if (tracks == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("kink_bounds", kink_bounds_kernel, ceil_div(tracks, block_threads), stream, from,
           steepest, multiplicity, shift, together, u, to, tracks);
}

}  // namespace splinecode::cuda

#include <chrono>
#include <cstdint>
#include <stdexcept>

#include "cuda.hpp"
#include "routes.hpp"
#include "runtime.hpp"
#include "tile_memory.hpp"
#include "tile_mma.hpp"
#include "tile_wgmma.hpp"
#include "warp.hpp"

/// How fast the tensor cores multiply single bits when nothing else is to be done.
namespace splinecode::cuda {
namespace {

constexpr int chunk_products_log2 = 10;  // bits of a chunk

/// Every block multiplies one chunk of noise, which stays in shared memory, `repeats` times.
template <class Route>
__global__ void __launch_bounds__(Route::threads, Route::blocks)
    products_kernel(int repeats, std::int32_t* out) {
    if constexpr (Route::runs_here) {
        auto* const memory = reinterpret_cast<std::uint32_t*>(aligned_shared_memory());
        constexpr int words = (Route::queries + Route::rows) * chunk_bytes / 4;
        for (int i = static_cast<int>(threadIdx.x); i < words; i += Route::threads) {
            memory[i] = (static_cast<std::uint32_t>(i) + blockIdx.x) * 0x9e3779b9u;
        }
        if constexpr (Route::asynchronous) {
            ptx::publish_to_products();
        }
        __syncthreads();
        const std::uint32_t at = ptx::shared_address(memory);
        const TileChunk chunk{at, at + Route::queries * chunk_bytes, chunk_steps};
        typename Route::Sums sums;
        Route::clear(sums);
        for (int i = 0; i < repeats; ++i) {
            Route::start(sums, chunk);
            Route::wait();
        }
        std::int32_t total = 0;
        typename Route::Shape::Sums& values = Route::finish(sums);
#pragma unroll
        for (int slot = 0; slot < Route::Shape::slots; ++slot) {
#pragma unroll
            for (int column = 0; column < Route::Shape::columns; ++column) {
                total += Route::Shape::at(values, slot, column);
            }
        }
        if (total == -1) {  // never: the sums must be seen to matter
            *out = total;
        }
    }
}

/// Runs the kernel once and returns the seconds it took.
template <class Route>
double run_products(std::int64_t blocks, int repeats, Stream stream) {
    const auto begin = std::chrono::steady_clock::now();
    constexpr std::size_t bytes = (Route::queries + Route::rows) * chunk_bytes + tile_alignment;
    launch_shaped("probe_b1", products_kernel<Route>, LaunchShape{blocks, Route::threads, bytes},
                  stream, repeats, static_cast<std::int32_t*>(nullptr));
    check(cudaStreamSynchronize(handle_of(stream)), "cudaStreamSynchronize");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Bit products a second, from runs that double until one takes half of `seconds`.
template <class Route>
double products_a_second(double seconds, const Device& device, Stream stream) {
    const std::int64_t blocks = device.multiprocessors * std::int64_t{Route::blocks};
    for (int repeats = 1;; repeats *= 2) {
        const double took = run_products<Route>(blocks, repeats, stream);
        if (took >= seconds / 2 || repeats > 1 << 28) {
            const double chunks = static_cast<double>(blocks) * repeats;
            return chunks * Route::queries * Route::rows * (1 << chunk_products_log2) / took;
        }
    }
}

}  // namespace

double probe_b1(double seconds, int device) {
    const DeviceGuard guard(device);
    const Device found = device_of(device);
    const Stream stream{device, 0};
    switch (routes_of(found.compute_capability).back()) {
        case Route::wgmma:
            return products_a_second<WarpgroupProducts<2, chunk_steps>>(seconds, found, stream);
        case Route::b1: return products_a_second<B1Products>(seconds, found, stream);
        default: throw std::invalid_argument("the device multiplies no single bits in hardware");
    }
}

}  // namespace splinecode::cuda

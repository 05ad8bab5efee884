// The emulator itself: small kernels that are right, and ones with the faults that it must show.

#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

constexpr unsigned threads = 128;

template <class... Parameters>
void launch(unsigned blocks, void (*kernel)(Parameters...), Parameters... arguments) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(threads);
    CHECK_EQ(cudaLaunchKernelEx(&config, kernel, arguments...), cudaSuccess);
}

template <bool with_barrier>
void neighbours_of(unsigned* out, unsigned (&shared)[threads]) {
    const unsigned thread = threadIdx.x;
    shared[thread] = 1000 * blockIdx.x + thread;
    if (with_barrier) {
        __syncthreads();
    }
    out[blockIdx.x * threads + thread] = shared[(thread + 1) % threads];
}

__global__ void rotate(unsigned* out) {
    __shared__ unsigned shared[threads];
    neighbours_of<true>(out, shared);
}

__global__ void rotate_without_barrier(unsigned* out) {
    __shared__ unsigned shared[threads];
    neighbours_of<false>(out, shared);
}

__global__ void warp_calls(unsigned* ballots, std::int64_t* shifted) {
    const unsigned thread = threadIdx.x;
    ballots[thread] = __ballot_sync(0xffffffff, thread % 3 == 0);
    shifted[thread] = __shfl_up_sync(0xffffffff, -static_cast<std::int64_t>(thread), 2);
}

__global__ void any_of(int* out, unsigned only) {
    out[threadIdx.x] = __syncthreads_or(threadIdx.x == only);
}

__global__ void shared_at_start(unsigned* out) {
    __shared__ unsigned shared;
    if (threadIdx.x == 0) {
        out[blockIdx.x] = shared;
        shared = 7;
    }
}

__global__ void barrier_in_a_branch() {
    if (threadIdx.x < 64) {
        __syncthreads();
    } else {
        __syncthreads();
    }
}

__global__ void ballot_in_a_branch() {
    if (threadIdx.x % 2 == 0) {
        __ballot_sync(0xffffffff, 1);
    }
}

__global__ void barrier_against_ballot() {
    if (threadIdx.x == 5) {
        __syncthreads();
    } else {
        __ballot_sync(0xffffffff, 1);
    }
}

__global__ void early_return() {
    if (threadIdx.x == 100) {
        return;
    }
    __syncthreads();
}

bool rotates(void (*kernel)(unsigned*)) {
    constexpr unsigned blocks = 20;
    std::vector<unsigned> out(blocks * threads);
    launch(blocks, kernel, out.data());
    for (unsigned i = 0; i < out.size(); ++i) {
        if (out[i] != 1000 * (i / threads) + (i + 1) % threads) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST(emulator_runs_barriers) { CHECK(rotates(rotate)); }

TEST(emulator_shows_a_missing_barrier) { CHECK(!rotates(rotate_without_barrier)); }

TEST(emulator_exchanges_within_warps) {
    std::vector<unsigned> ballots(threads);
    std::vector<std::int64_t> shifted(threads);
    launch(1, warp_calls, ballots.data(), shifted.data());
    for (unsigned thread = 0; thread < threads; ++thread) {
        const unsigned lane = thread % 32;
        unsigned ballot = 0;
        for (unsigned other = 0; other < 32; ++other) {
            ballot |= unsigned{(thread - lane + other) % 3 == 0} << other;
        }
        CHECK_EQ(ballots[thread], ballot);
        CHECK_EQ(-shifted[thread], lane < 2 ? thread : thread - 2);
    }
}

TEST(emulator_exchanges_within_blocks) {
    for (const unsigned only : {0u, 77u, threads}) {
        std::vector<int> out(threads, -1);
        launch(1, any_of, out.data(), only);
        CHECK(out == std::vector<int>(threads, only < threads));
    }
}

TEST(emulator_gives_blocks_noise_for_shared_memory) {
    std::vector<unsigned> out(50);
    launch(50, shared_at_start, out.data());
    int alike = 0;
    for (const unsigned value : out) {
        alike += value == 7 || value == 0 || value == out[0];
    }
    CHECK(alike < 5);
}

TEST(emulator_shows_divergence) {
    for (const auto kernel :
         {barrier_in_a_branch, ballot_in_a_branch, barrier_against_ballot, early_return}) {
        CHECK_THROWS(launch(1, kernel), emulator::Divergence);
        CHECK(rotates(rotate));  // and goes on
    }
}

TEST(emulator_rejects_what_devices_reject) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(0);
    CHECK_EQ(cudaLaunchKernelEx(&config, early_return), cudaErrorInvalidConfiguration);
    CHECK_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    CHECK_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(emulated_bit_intrinsics) {
    CHECK_EQ(__popc(0xf0f0u), 8);
    CHECK_EQ(__popcll(~0ull), 64);
    CHECK_EQ(__ffsll(0), 0);
    CHECK_EQ(__ffsll(0x50), 5);
}

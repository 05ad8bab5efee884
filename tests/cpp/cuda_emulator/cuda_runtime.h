#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <source_location>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "emulator.hpp"

/// The part of CUDA that cuda/ uses, in plain C++: found before the toolkit's header of this name,
/// it makes the unmodified .cu files run on emulator.hpp, which says what that proves.

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __launch_bounds__(...)
// Blocks run one after another, so one instance serves all; run_grid finds it by its section.
#define __shared__ static __attribute__((section("emulated_shared")))

// ------------------------------------------------------------------ in kernels

using dim3 = emulator::Dim3;
inline const dim3& threadIdx = emulator::thread_index;
inline const dim3& blockIdx = emulator::block_index;
inline const dim3& blockDim = emulator::block_dim;
inline const dim3& gridDim = emulator::grid_dim;

namespace emulator {

inline std::span<const std::uint64_t> meet_warp(unsigned mask, std::uint64_t brought,
                                                const std::source_location& place) {
    if (mask != 0xffffffff) {
        throw std::logic_error("emulator: only whole warps meet");
    }
    return meet(Scope::warp, brought, place);
}

}  // namespace emulator

inline void __syncthreads(const std::source_location place = std::source_location::current()) {
    emulator::meet(emulator::Scope::block, 0, place);
}

inline int __syncthreads_or(int predicate,
                            const std::source_location place = std::source_location::current()) {
    std::uint64_t any = 0;
    for (const std::uint64_t brought :
         emulator::meet(emulator::Scope::block, predicate != 0, place)) {
        any |= brought;
    }
    return any != 0;
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const std::source_location place = std::source_location::current()) {
    unsigned ballot = 0;
    unsigned lane = 0;
    for (const std::uint64_t brought : emulator::meet_warp(mask, predicate != 0, place)) {
        ballot |= static_cast<unsigned>(brought) << lane++;
    }
    return ballot;
}

inline int __any_sync(unsigned mask, int predicate,
                      const std::source_location place = std::source_location::current()) {
    return __ballot_sync(mask, predicate, place) != 0;
}

inline int __all_sync(unsigned mask, int predicate,
                      const std::source_location place = std::source_location::current()) {
    return __ballot_sync(mask, predicate, place) == 0xffffffff;
}

inline void __syncwarp(unsigned mask = 0xffffffff,
                       const std::source_location place = std::source_location::current()) {
    emulator::meet_warp(mask, 0, place);
}

namespace emulator {

/// The value of lane `from` of the warp; a lane beyond it gives the caller's own.
template <std::integral T>
T shuffle(unsigned mask, T value, unsigned from, const std::source_location& place) {
    const auto lanes = meet_warp(mask, static_cast<std::uint64_t>(value), place);
    return static_cast<T>(lanes[from < warp_lanes ? from : threadIdx.x % warp_lanes]);
}

}  // namespace emulator

template <std::integral T>
T __shfl_sync(unsigned mask, T value, unsigned from,
              const std::source_location place = std::source_location::current()) {
    return emulator::shuffle(mask, value, from % emulator::warp_lanes, place);
}
template <std::integral T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance,
                 const std::source_location place = std::source_location::current()) {
    return emulator::shuffle(mask, value, threadIdx.x % emulator::warp_lanes - distance, place);
}
template <std::integral T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance,
                   const std::source_location place = std::source_location::current()) {
    return emulator::shuffle(mask, value, threadIdx.x % emulator::warp_lanes + distance, place);
}
template <std::integral T>
T __shfl_xor_sync(unsigned mask, T value, unsigned lanes,
                  const std::source_location place = std::source_location::current()) {
    return emulator::shuffle(mask, value, (threadIdx.x % emulator::warp_lanes) ^ lanes, place);
}

inline unsigned __reduce_add_sync(
    unsigned mask, unsigned value,
    const std::source_location place = std::source_location::current()) {
    unsigned sum = 0;
    for (const std::uint64_t brought : emulator::meet_warp(mask, value, place)) {
        sum += static_cast<unsigned>(brought);
    }
    return sum;
}

inline int min(int a, int b) { return b < a ? b : a; }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline int __ffsll(long long x) {
    return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }

// Threads change only where they meet, so that plain updates are atomic here.
template <std::integral T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address + value);
}
template <std::integral T>
T atomicMin(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address < value ? *address : value);
}
template <std::integral T>
T atomicMax(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address > value ? *address : value);
}
template <std::integral T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address & value);
}
template <std::integral T>
T atomicOr(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address | value);
}
template <std::integral T>
T atomicXor(T* address, std::type_identity_t<T> value) {
    return std::exchange(*address, *address ^ value);
}

struct uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) ulonglong2 {
    unsigned long long x, y;
};

template <class T>
T __ldg(const T* address) {
    return *address;
}

// ------------------------------------------------------------------ on the host

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidPitchValue = 12,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
};
using cudaStream_t = struct EmulatedStream*;

struct cudaDeviceProp {
    char name[256];
    int major;
    int minor;
    std::size_t totalGlobalMem;
};

struct cudaLaunchConfig_t {
    dim3 gridDim;
    dim3 blockDim;
    std::size_t dynamicSmemBytes;
    cudaStream_t stream;
};

namespace emulator {

/// What the runtime is told and remembers; tests set and read it.
struct Runtime {
    int devices = 2;
    int device = 0;
    cudaError_t last_error = cudaSuccess;
    long launches = 0;
    int launch_device = -1;
    cudaStream_t launch_stream = nullptr;
    int compute_capability = 90;
    int multiprocessors = 2;
    /// Those that were made and not destroyed.
    std::intptr_t streams_and_events = 0;
    /// Whether making one fails for want of memory.
    bool out_of_memory = false;
    /// Bytes of dynamic shared memory that a kernel may have, where more than 48 KiB were asked
    /// for.
    std::map<void*, std::size_t> raised_shared;
};
inline Runtime runtime;

inline cudaError_t finish(cudaError_t error) {
    if (error != cudaSuccess) {
        runtime.last_error = error;
    }
    return error;
}

}  // namespace emulator

inline cudaError_t cudaGetLastError() {
    return std::exchange(emulator::runtime.last_error, cudaSuccess);
}

inline const char* cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaSuccess: return "no error";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        case cudaErrorInvalidPitchValue: return "invalid pitch argument";
        case cudaErrorNoDevice: return "no CUDA-capable device is detected";
        case cudaErrorInvalidDevice: return "invalid device ordinal";
    }
    return "unrecognized error code";
}

inline cudaError_t cudaGetDeviceCount(int* count) {
    *count = emulator::runtime.devices;
    return emulator::finish(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}

inline cudaError_t cudaGetDevice(int* device) {
    *device = emulator::runtime.device;
    return cudaSuccess;
}

inline cudaError_t cudaSetDevice(int device) {
    if (device < 0 || device >= emulator::runtime.devices) {
        return emulator::finish(cudaErrorInvalidDevice);
    }
    emulator::runtime.device = device;
    return cudaSuccess;
}

inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    if (device < 0 || device >= emulator::runtime.devices) {
        return emulator::finish(cudaErrorInvalidDevice);
    }
    std::snprintf(properties->name, sizeof(properties->name), "Emulated %d", device);
    properties->major = emulator::runtime.compute_capability / 10;
    properties->minor = emulator::runtime.compute_capability % 10;
    properties->totalGlobalMem = std::size_t{80} << 30;
    return cudaSuccess;
}

enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
};

inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    if (device < 0 || device >= emulator::runtime.devices) {
        return emulator::finish(cudaErrorInvalidDevice);
    }
    switch (attribute) {
        case cudaDevAttrMultiProcessorCount: *value = emulator::runtime.multiprocessors; break;
        case cudaDevAttrComputeCapabilityMajor:
            *value = emulator::runtime.compute_capability / 10;
            break;
        case cudaDevAttrComputeCapabilityMinor:
            *value = emulator::runtime.compute_capability % 10;
            break;
        case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = 228 << 10; break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 << 10; break;
    }
    return cudaSuccess;
}

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute, int value) {
    if (value < 0 || static_cast<std::size_t>(value) > emulator::most_dynamic_shared_memory) {
        return emulator::finish(cudaErrorInvalidConfiguration);
    }
    emulator::runtime.raised_shared[reinterpret_cast<void*>(kernel)] =
        static_cast<std::size_t>(value);
    return cudaSuccess;
}

inline cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
    std::memset(memory, value, bytes);
    return cudaSuccess;
}

enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1 };

/// Host and device memory are the same here, and a copy is done when it is queued.
inline cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                                     std::size_t from_pitch, std::size_t width, std::size_t height,
                                     cudaMemcpyKind, cudaStream_t) {
    if (from_pitch < width || to_pitch < width || from_pitch >= std::size_t{1} << 31) {
        return emulator::finish(cudaErrorInvalidPitchValue);
    }
    for (std::size_t row = 0; row < height; ++row) {
        std::memcpy(static_cast<char*>(to) + row * to_pitch,
                    static_cast<const char*>(from) + row * from_pitch, width);
    }
    return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                                   cudaStream_t) {
    std::memcpy(to, from, bytes);
    return cudaSuccess;
}

// Streams run what is queued at once, so that events have always happened. Tests count them.
using cudaEvent_t = struct EmulatedEvent*;
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDisableTiming = 2;

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    if (emulator::runtime.out_of_memory) {
        return emulator::finish(cudaErrorMemoryAllocation);
    }
    *stream = reinterpret_cast<cudaStream_t>(++emulator::runtime.streams_and_events);
    return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) {
    --emulator::runtime.streams_and_events;
    return cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    *event = reinterpret_cast<cudaEvent_t>(++emulator::runtime.streams_and_events);
    return cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t) {
    --emulator::runtime.streams_and_events;
    return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

/// Runs the grid before it returns.
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
    const dim3 grid = config->gridDim;
    const dim3 block = config->blockDim;
    if (grid.y != 1 || grid.z != 1 || block.y != 1 || block.z != 1) {
        throw std::logic_error("emulator: only one-dimensional grids");
    }
    const std::size_t shared = config->dynamicSmemBytes;
    const auto raised = emulator::runtime.raised_shared.find(reinterpret_cast<void*>(kernel));
    if (grid.x == 0 || block.x == 0 || block.x > 1024 ||
        shared > (raised == emulator::runtime.raised_shared.end() ? 48 << 10 : raised->second)) {
        return emulator::finish(cudaErrorInvalidConfiguration);
    }
    emulator::set_dynamic_shared_memory(shared);
    ++emulator::runtime.launches;
    emulator::runtime.launch_device = emulator::runtime.device;
    emulator::runtime.launch_stream = config->stream;
    emulator::run_grid(grid.x, block.x, [&] { kernel(arguments...); });
    return cudaSuccess;
}

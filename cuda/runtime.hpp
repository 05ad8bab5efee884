#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "cuda.hpp"
#include "geometry.hpp"
#include "memory.hpp"

/// The CUDA runtime as C++: errors that throw, the current device as a scope, launches.
namespace splinecode::cuda {

/// The runtime's text for an error, forgotten by the runtime: the next call starts clean.
inline std::string take_error(cudaError_t error) {
    cudaGetLastError();
    return cudaGetErrorString(error);
}

/// Throws std::runtime_error with the runtime's text unless `call` succeeded, NotEnoughMemory where
/// the device has none left.
inline void check(cudaError_t error, const char* call) {
    if (error == cudaSuccess) {
        return;
    }
    const std::string text = "CUDA: " + take_error(error) + " (" + call + ")";
    if (error == cudaErrorMemoryAllocation) {
        throw NotEnoughMemory(text);
    }
    throw std::runtime_error(text);
}

/// Makes a device current until the end of the scope.
class DeviceGuard {
public:
    explicit DeviceGuard(int device) : device_(device) {
        check(cudaGetDevice(&previous_), "cudaGetDevice");
        if (previous_ != device_) {
            check(cudaSetDevice(device_), "cudaSetDevice");
        }
    }
    ~DeviceGuard() {
        if (previous_ != device_) {
            cudaSetDevice(previous_);
        }
    }
    DeviceGuard(const DeviceGuard&) = delete;
    DeviceGuard& operator=(const DeviceGuard&) = delete;

private:
    int device_;
    int previous_ = 0;
};

inline cudaStream_t handle_of(Stream stream) {
    return reinterpret_cast<cudaStream_t>(stream.handle);
}

/// What the choice of kernels and grids depends on.
struct Device {
    int compute_capability;  // major * 10 + minor
    int multiprocessors;
    std::size_t shared_bytes;  // of a multiprocessor
};

inline int attribute_of(int device, cudaDeviceAttr attribute) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, attribute, device), "cudaDeviceGetAttribute");
    return value;
}

inline int compute_capability(int device) {
    return attribute_of(device, cudaDevAttrComputeCapabilityMajor) * 10 +
           attribute_of(device, cudaDevAttrComputeCapabilityMinor);
}

inline Device device_of(int device) {
    return {compute_capability(device), attribute_of(device, cudaDevAttrMultiProcessorCount),
            static_cast<std::size_t>(
                attribute_of(device, cudaDevAttrMaxSharedMemoryPerMultiprocessor))};
}

/// A grid of blocks that step over their work.
struct LaunchShape {
    std::int64_t blocks;
    int threads;
    std::size_t shared_bytes;  // dynamic
};

/// Queues a kernel and checks that it was queued. More than 48 KiB of shared memory are asked for:
/// as much as there is, so that threads that launch one kernel with different sizes do not undo
/// each other's wish.
template <class... Parameters, class... Arguments>
void launch_shaped(const char* name, void (*kernel)(Parameters...), const LaunchShape& shape,
                   Stream stream, Arguments&&... arguments) {
    constexpr std::size_t granted = 48 << 10;
    if (shape.shared_bytes > granted) {
        check(cudaFuncSetAttribute(
                  kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                  attribute_of(stream.device, cudaDevAttrMaxSharedMemoryPerBlockOptin)),
              name);
    }
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>(shape.blocks));
    config.blockDim = dim3(static_cast<unsigned>(shape.threads));
    config.dynamicSmemBytes = shape.shared_bytes;
    config.stream = handle_of(stream);
    check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), name);
}

/// Queues a kernel of block_threads threads a block for `work` > 0 pieces, one per block and step,
/// and checks that it was queued.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), std::int64_t work, Stream stream,
            Arguments&&... arguments) {
    launch_shaped(name, kernel, LaunchShape{blocks_for(work), block_threads, 0}, stream,
                  std::forward<Arguments>(arguments)...);
}

}  // namespace splinecode::cuda

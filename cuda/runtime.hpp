#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "cuda.hpp"
#include "geometry.hpp"

/// The CUDA runtime as C++: errors that throw, the current device as a scope, launches.
namespace splinecode::cuda {

/// The runtime's text for an error, forgotten by the runtime: the next call starts clean.
inline std::string take_error(cudaError_t error) {
    cudaGetLastError();
    return cudaGetErrorString(error);
}

/// Throws std::runtime_error with the runtime's text unless `call` succeeded.
inline void check(cudaError_t error, const char* call) {
    if (error != cudaSuccess) {
        throw std::runtime_error("CUDA: " + take_error(error) + " (" + call + ")");
    }
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

/// Queues a kernel for `work` > 0 pieces, one per block and step, and checks that it was queued.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), std::int64_t work, Stream stream,
            Arguments&&... arguments) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(blocks_for(work));
    config.blockDim = dim3(block_threads);
    config.stream = reinterpret_cast<cudaStream_t>(stream.handle);
    check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), name);
}

}  // namespace splinecode::cuda

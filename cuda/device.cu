#include "cuda.hpp"
#include "runtime.hpp"

namespace splinecode::cuda {
namespace {

/// For example "NVIDIA H200 (sm_90, 139 GiB)".
std::string describe(int device) {
    cudaDeviceProp properties{};
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, device);
        error != cudaSuccess) {
        return "device " + std::to_string(device) + ": " + take_error(error);
    }
    return std::string(properties.name) + " (sm_" + std::to_string(properties.major) +
           std::to_string(properties.minor) + ", " +
           std::to_string(properties.totalGlobalMem >> 30) + " GiB)";
}

}  // namespace

int device_count() noexcept {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        cudaGetLastError();
        return 0;
    }
    return count;
}

std::string status() {
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        return "no CUDA device: " + take_error(error);
    }
    if (count == 0) {
        return "no CUDA device";
    }
    std::string line = describe(0);
    for (int device = 1; device < count; ++device) {
        line += "; " + describe(device);
    }
    return line;
}

}  // namespace splinecode::cuda

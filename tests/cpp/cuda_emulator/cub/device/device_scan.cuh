#pragma once

#include <cuda_runtime.h>

#include <cstddef>

/// The part of CUB's scans that cuda/ uses, on one thread. CUB may apply an operator to any
/// neighbours first; this does so in order, so that it proves nothing of an operator that is not
/// associative.
namespace cub {

struct DeviceScan {
    template <class Key, class Value, class Operator, class Equal>
    static cudaError_t InclusiveScanByKey(void* workspace, std::size_t& bytes, const Key* keys,
                                          const Value* values, Value* out, Operator scan,
                                          std::ptrdiff_t n, Equal same, cudaStream_t) {
        constexpr std::size_t needed = 16;
        if (workspace == nullptr) {
            bytes = needed;
            return cudaSuccess;
        }
        if (bytes < needed) {
            return emulator::finish(cudaErrorInvalidConfiguration);
        }
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            const bool goes_on = i > 0 && same(keys[i - 1], keys[i]);
            out[i] = goes_on ? scan(out[i - 1], values[i]) : values[i];
        }
        return cudaSuccess;
    }
};

}  // namespace cub

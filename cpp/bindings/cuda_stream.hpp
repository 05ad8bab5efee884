#pragma once

#include <cstdint>
#include <vector>

#include "array.hpp"
#include "cuda.hpp"

/// Device arrays, and the stream that works on them.
namespace splinecode {

/// `stream` as DLPack numbers it: 1 is the legacy default stream, 2 the per-thread one, which are
/// also the handles CUDA gives them.
inline cuda::Stream stream_on(int device, std::intptr_t stream) {
    return {device, static_cast<std::uintptr_t>(stream)};
}
/// Likewise, on the one device of all the arrays.
inline cuda::Stream stream_of(const std::vector<const Array*>& arrays, std::intptr_t stream) {
    return stream_on(need_same_cuda_device(arrays), stream);
}

/// An array of one type and shape on a device, to write to.
template <class T>
T* device_out(const Array& array, ElementType type, const std::vector<std::int64_t>& shape) {
    return contiguous_data_anywhere<T>(need_writable(array), type, shape);
}

}  // namespace splinecode

#pragma once

#include <cstdint>

#include "element_type.hpp"

#if defined(__CUDACC__)
#define SPLINECODE_HOST_DEVICE __host__ __device__
#else
#define SPLINECODE_HOST_DEVICE
#endif

namespace splinecode {

/// A read-only N-d array seen as rows: every axis but the last is "leading", and a row is the last
/// axis at one index of the leading axes, in C order. Strides count elements and may be negative or
/// zero. Plain data, so that a CUDA kernel takes it by value.
///
/// Example: shape (2, 3, 5) is 6 rows of 5 columns; row 4 starts at 1 * stride[0] + 1 * stride[1].
struct StridedRows {
    static constexpr int max_leading = 8;

    const void* data = nullptr;
    ElementType type = ElementType::float64;
    int leading = 0;
    std::int64_t shape[max_leading] = {};
    std::int64_t stride[max_leading] = {};
    std::int64_t rows = 1;
    std::int64_t columns = 0;
    std::int64_t column_stride = 1;

    /// Offset in elements of the first column of `row`, for 0 <= row < rows. O(leading).
    SPLINECODE_HOST_DEVICE std::int64_t row_offset(std::int64_t row) const {
        std::int64_t offset = 0;
        for (int axis = leading - 1; axis >= 0; --axis) {
            offset += (row % shape[axis]) * stride[axis];
            row /= shape[axis];
        }
        return offset;
    }
};

}  // namespace splinecode

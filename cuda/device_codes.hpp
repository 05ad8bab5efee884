#pragma once

#include <cstdint>

#include "code_rows.hpp"
#include "strided.hpp"

namespace splinecode::cuda {

/// CodeRows that a kernel takes by value.
struct DeviceCodes {
    const std::uint64_t* data;
    std::int64_t rows;
    std::int64_t words;
    std::int64_t stride;

    DeviceCodes() = default;
    explicit DeviceCodes(const CodeRows& codes)
        : data(codes.data), rows(codes.rows), words(codes.words), stride(codes.stride) {}

    SPLINECODE_HOST_DEVICE const std::uint64_t* row(std::int64_t i) const {
        return data + i * stride;
    }
    /// Whether every code starts at a multiple of 16 bytes.
    bool aligned_16() const {
        return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && (rows <= 1 || stride % 2 == 0);
    }
};

}  // namespace splinecode::cuda

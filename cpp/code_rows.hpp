#pragma once

#include <cstdint>

#include "strided.hpp"

/// Views of packed codes: what every function over codes takes.
namespace splinecode {

/// Codes as rows of `words` words, `stride` words apart: a whole code or the slice of one layer.
struct CodeRows {
    const std::uint64_t* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t words = 0;
    std::int64_t stride = 0;

    SPLINECODE_HOST_DEVICE const std::uint64_t* row(std::int64_t i) const {
        return data + i * stride;
    }
    /// The same rows, words [begin, end) of each.
    CodeRows columns(std::int64_t begin, std::int64_t end) const {
        return {data + begin, rows, end - begin, stride};
    }
};

/// Words [begin, end) of a code: one layer.
struct WordRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

}  // namespace splinecode

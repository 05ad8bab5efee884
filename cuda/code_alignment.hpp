#pragma once

#include <cstdint>

#include "code_rows.hpp"

namespace splinecode::cuda {

/// Whether every code starts at a multiple of 16 bytes.
inline bool aligned_16(const CodeRows& codes) {
    return reinterpret_cast<std::uintptr_t>(codes.data) % 16 == 0 &&
           (codes.rows <= 1 || codes.stride % 2 == 0);
}

}  // namespace splinecode::cuda

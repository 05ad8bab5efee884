#pragma once

// Where a code differs from a reference, gathered over several codes. Plain loops: compilers turn
// them into the vectors of a level.
//
// Floor: memory bandwidth; `into` stays in the first cache.

namespace splinecode::SPLINECODE_LEVEL {

inline void or_differences(const uint64_t* rows, size_t n_rows, ptrdiff_t stride,
                           const uint64_t* reference, size_t words, uint64_t* __restrict into) {
    for (size_t row = 0; row < n_rows; ++row) {
        const uint64_t* const code = rows + static_cast<ptrdiff_t>(row) * stride;
        for (size_t i = 0; i < words; ++i) {
            into[i] |= code[i] ^ reference[i];
        }
    }
}

inline void and_differences(const uint64_t* rows, size_t n_rows, ptrdiff_t stride,
                            const uint64_t* reference, size_t words, uint64_t* __restrict into) {
    for (size_t row = 0; row < n_rows; ++row) {
        const uint64_t* const code = rows + static_cast<ptrdiff_t>(row) * stride;
        for (size_t i = 0; i < words; ++i) {
            into[i] &= code[i] ^ reference[i];
        }
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

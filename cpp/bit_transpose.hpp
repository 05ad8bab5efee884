#pragma once

// Included by files compiled for one instruction-set level too: no C++ standard headers, and
// `static`, so that each such file keeps a copy of its own.

#include <stddef.h>
#include <stdint.h>

namespace splinecode {

/// In every 2 Half x 2 Half square on the diagonal, swaps the two Half x Half squares beside it.
template <size_t Half, size_t Blocks>
static inline void swap_squares(uint64_t* rows, uint64_t low) {
    for (size_t top = 0; top < 64; top += 2 * Half) {
        for (size_t i = top; i < top + Half; ++i) {
            uint64_t* const upper = rows + i * Blocks;
            uint64_t* const lower = upper + Half * Blocks;
            for (size_t b = 0; b < Blocks; ++b) {
                const uint64_t changed = ((upper[b] >> Half) ^ lower[b]) & low;
                lower[b] ^= changed;
                upper[b] ^= changed << Half;
            }
        }
    }
}

/// Transposes 64 x 64 bits in place: bit j of row i and bit i of row j change places. `rows` holds
/// the rows of `Blocks` such blocks side by side: row i of block b is rows[i * Blocks + b]. Several
/// at once fill the vectors of whatever level this is compiled for.
///
/// Example: one block with rows[0] = 0b10 and zeros elsewhere becomes rows[1] = 0b1 and zeros.
template <size_t Blocks = 1>
static inline void transpose64(uint64_t* rows) {
    swap_squares<32, Blocks>(rows, 0x00000000ffffffff);
    swap_squares<16, Blocks>(rows, 0x0000ffff0000ffff);
    swap_squares<8, Blocks>(rows, 0x00ff00ff00ff00ff);
    swap_squares<4, Blocks>(rows, 0x0f0f0f0f0f0f0f0f);
    swap_squares<2, Blocks>(rows, 0x3333333333333333);
    swap_squares<1, Blocks>(rows, 0x5555555555555555);
}

}  // namespace splinecode

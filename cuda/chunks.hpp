#pragma once

#include <cstdint>
#include <cstring>

#include "codes.hpp"
#include "elements.hpp"
#include "geometry.hpp"
#include "strided.hpp"

/// Pre-activations 16 bytes at a time, the most that a lane loads at once: which arrays can be read
/// so, and the bits of what was read. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// Neighbouring elements of a row, the first in the lowest bytes.
struct Chunk {
    static constexpr int bytes = 16;
    std::uint32_t parts[4];
};

/// A bit for each element above the threshold, the first element lowest; is there a NaN.
struct ChunkBits {
    std::uint32_t above = 0;
    bool nan = false;
};

/// A compare, a NaN test and at most two instructions to place the bit for each element.
template <class Float>
SPLINECODE_HOST_DEVICE inline ChunkBits bits_of(const FloatAbove<Float>& above,
                                                const Chunk& chunk) {
    constexpr int count = Chunk::bytes / static_cast<int>(sizeof(Float));
    Float values[count];
    memcpy(values, &chunk, sizeof(values));
    ChunkBits bits;
    for (int i = 0; i < count; ++i) {
        bits.above |= static_cast<std::uint32_t>(above.is_above(values[i])) << i;
        bits.nan |= above.is_nan(values[i]);
    }
    return bits;
}

/// Two elements at once, which a 32-bit word holds: 9 instructions a word. An addition without
/// carry into the other element compares magnitudes in the elements' top bits.
SPLINECODE_HOST_DEVICE inline ChunkBits bits_of(const HalfAbove& above, const Chunk& chunk) {
    constexpr std::uint32_t both = 0x00010001;
    constexpr std::uint32_t top = 0x8000 * both;
    // Of a threshold t >= 0 above is x > 0 and |x| > t, of t < 0 it is x > 0 or |x| < -t.
    const std::uint32_t negative = above.key < 0 ? top : 0;
    const auto magnitude = static_cast<std::uint32_t>(above.key < 0 ? ~above.key : above.key);
    const std::uint32_t reach = ((above.key < 0 ? 0x8000u : 0x7fffu) - magnitude) * both;
    const std::uint32_t beyond = (0x7fffu - above.infinity) * both;
    std::uint32_t spread = 0;
    std::uint32_t nans = 0;
    for (int i = 0; i < 4; ++i) {
        const std::uint32_t x = chunk.parts[i];
        const std::uint32_t large = (x & ~top) + reach;
        const std::uint32_t nan = (x & ~top) + beyond;
        const std::uint32_t passes = (~x & (large | negative)) | (~large & negative);
        spread |= (passes & ~nan & top) >> (6 - 2 * i);
        nans |= nan;
    }
    return {(spread >> 9 & 0x55) | (spread >> 24 & 0xaa), (nans & top) != 0};
}

/// Four elements at once: 6 instructions a 32-bit word, of which a product gathers the four bits.
SPLINECODE_HOST_DEVICE inline ChunkBits bits_of(const BooleanAbove&, const Chunk& chunk) {
    constexpr std::uint32_t top = 0x80808080;
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) {
        const std::uint32_t x = chunk.parts[i];
        const std::uint32_t set = (((x & ~top) + ~top) | x) & top;
        bits |= ((set >> 7) * 0x01020408 >> 24) << (4 * i);
    }
    return {bits, false};
}

/// How a warp packs a strip of a row by chunks. In each of 8 rounds lane i loads the chunk next to
/// that of lane i - 1, and `sharing` neighbouring lanes make 32 bits; `joined` rounds at a time are
/// joined, so that a lane gets 32 bits.
///
/// Example: float16 has 8 elements a chunk, 4 lanes share 32 bits, 4 rounds are joined to 16 words.
template <class Value>
struct ChunkRounds {
    static constexpr int rounds = 8;
    static constexpr int elements = Chunk::bytes / static_cast<int>(sizeof(Value));
    static constexpr int sharing = 32 / elements;
    static constexpr int joined = sharing < rounds ? sharing : rounds;
    static constexpr int columns = rounds * warp_lanes * elements;
    static constexpr int words = columns / static_cast<int>(word_bits);
};

/// Whether every row can be read by chunks: its columns lie side by side from a multiple of 16.
inline bool rows_are_chunks(const StridedRows& z) {
    const auto size = static_cast<std::int64_t>(size_of(z.type));
    bool aligned = reinterpret_cast<std::uintptr_t>(z.data) % Chunk::bytes == 0;
    for (int axis = 0; axis < z.leading; ++axis) {
        aligned &= z.shape[axis] == 1 || z.stride[axis] * size % Chunk::bytes == 0;
    }
    return aligned && z.column_stride == 1;
}

/// Rows of whole words without gaps are one long row, whose strips are all full but the last one.
/// The flat index of an element is the same in both.
inline StridedRows as_long_rows(const StridedRows& z) {
    const bool joined = z.leading == 1 && z.column_stride == 1 && z.stride[0] == z.columns &&
                        z.columns % word_bits == 0;
    if (!joined) {
        return z;
    }
    StridedRows row = z;
    row.leading = 0;
    row.rows = 1;
    row.columns = z.rows * z.columns;
    return row;
}

}  // namespace splinecode::cuda

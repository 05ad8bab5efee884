#pragma once

#include <cstddef>
#include <cstdint>

#include "parallel.hpp"
#include "strided.hpp"

/// The packed layout, written down once.
///
/// A layer of n bits is ceil(n / 64) little-endian uint64 words: bit j is bit j % 64 of word j / 64
/// and the pad bits above n are zero, which equals numpy.packbits(..., bitorder="little"). A code
/// is the concatenation of its layers' words, so a layer is a slice of words and a distance between
/// layers is a distance between slices.
///
/// Example: 70 pre-activations, all positive, pack to the words {0xffffffffffffffff, 0x3f}.
namespace splinecode {

constexpr std::int64_t word_bits = 64;

constexpr std::int64_t words_for(std::int64_t bits) {
    return bits / word_bits + (bits % word_bits != 0);
}

/// The word in which only the place of bit `bit` (>= 0) of a layer is set.
constexpr std::uint64_t bit_in_word(std::int64_t bit) {
    return std::uint64_t{1} << (static_cast<std::uint64_t>(bit) % word_bits);
}

/// The bits of `value` rounded to the nearest float16 or bfloat16, ties to even. Zeros are +0.0,
/// also those that a tiny negative value rounds to, so that `ordered_key` can be compared with.
std::uint16_t half_bits(double value, ElementType type);

/// An int16 that orders 16-bit floats (float16 or bfloat16) as their values do; -0.0 comes just
/// below +0.0, so a threshold of -0.0 must be given as +0.0. NaN has no place in the order.
SPLINECODE_HOST_DEVICE constexpr std::int16_t ordered_key(std::uint16_t bits) {
    const auto value = static_cast<std::int16_t>(bits);
    return static_cast<std::int16_t>(value ^ ((value >> 15) & 0x7fff));
}

/// The bits of +infinity; any 16-bit float whose bits without the sign exceed it is a NaN.
constexpr std::uint16_t infinity_bits(ElementType type) {
    return type == ElementType::bfloat16 ? 0x7f80 : 0x7c00;
}

/// Packs z > threshold (strictly; the threshold is first rounded to z's type, as numpy and torch
/// do; NaN packs to 0). Row r of the result starts at words + r * words_for(z.columns).
/// Returns the flat C-order index of the first NaN, or -1 if there is none.
/// O(elements); reads each input byte once. Booleans pack as they are and ignore the threshold.
std::int64_t pack(const StridedRows& z, double threshold, std::uint64_t* words,
                  const Interrupt& interrupt);

/// Writes bit j of each row of words as 0 or 1 to bits[row * n_bits + j].
void unpack(const std::uint64_t* words, std::int64_t rows, std::int64_t row_stride,
            std::int64_t n_bits, std::uint8_t* bits, const Interrupt& interrupt);

}  // namespace splinecode

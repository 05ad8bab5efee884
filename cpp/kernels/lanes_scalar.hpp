#pragma once

// Lanes of the scalar level: the plain statement of what the wider levels must equal.

#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

// --- 64 comparisons to one word -------------------------------------------------------------

using NanSeen = uint64_t;
inline uint64_t any(NanSeen seen) { return seen; }
using Largest = uint16_t;
inline bool exceeds(Largest largest, uint16_t limit) { return largest > limit; }

template <class Float>
uint64_t greater64(const Float* z, Float threshold, NanSeen& nan) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; ++j) {
        word |= static_cast<uint64_t>(z[j] > threshold) << j;
        nan |= z[j] != z[j];
    }
    return word;
}

inline uint64_t greater64(const uint16_t* z, int16_t key, uint16_t infinity, NanSeen& nan) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; ++j) {
        const auto bits = static_cast<int16_t>(z[j]);
        const auto ordered = static_cast<int16_t>(bits ^ ((bits >> 15) & 0x7fff));
        const bool is_nan = (z[j] & 0x7fff) > infinity;
        word |= static_cast<uint64_t>(!is_nan && ordered > key) << j;
        nan |= is_nan;
    }
    return word;
}

/// Bit j = z[j] > key as int16, which for a key >= 0 is the order of 16-bit floats that are no NaN.
/// `largest` keeps the largest of the magnitudes, each shifted left by one.
inline uint64_t above64(const uint16_t* z, int16_t key, Largest& largest) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; ++j) {
        const auto magnitude = static_cast<uint16_t>(z[j] << 1);
        word |= static_cast<uint64_t>(static_cast<int16_t>(z[j]) > key) << j;
        largest = magnitude > largest ? magnitude : largest;
    }
    return word;
}

inline uint64_t nonzero64(const uint8_t* z) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; ++j) {
        word |= static_cast<uint64_t>(z[j] != 0) << j;
    }
    return word;
}

/// positive: bit j = z[j] > tolerance[j]; negative: bit j = z[j] < -tolerance[j].
inline void classify64(const double* z, const double* tolerance, uint64_t& positive,
                       uint64_t& negative) {
    positive = negative = 0;
    for (size_t j = 0; j < 64; ++j) {
        positive |= static_cast<uint64_t>(z[j] > tolerance[j]) << j;
        negative |= static_cast<uint64_t>(z[j] < -tolerance[j]) << j;
    }
}

// --- population counts ------------------------------------------------------------------------

using Words = uint64_t;
using Counts = uint64_t;
using Sum = uint64_t;
constexpr size_t words_per_vector = 1;
/// How many Counts may be added before they must be widened to a Sum.
constexpr size_t counts_limit = 1u << 20;

inline Words load(const uint64_t* p) { return *p; }
inline Words load_first(const uint64_t* p, size_t) { return *p; }
inline Words both(Words a, Words b) { return a & b; }
inline Counts count_differences(Words a, Words b) {
    return static_cast<uint64_t>(__builtin_popcountll(a ^ b));
}
inline Counts no_counts() { return 0; }
inline Counts add(Counts a, Counts b) { return a + b; }
inline Sum widen(Counts counts) { return counts; }
inline Sum add_sums(Sum a, Sum b) { return a + b; }
inline void store4(int32_t* out, Sum a, Sum b, Sum c, Sum d) {
    out[0] = static_cast<int32_t>(a);
    out[1] = static_cast<int32_t>(b);
    out[2] = static_cast<int32_t>(c);
    out[3] = static_cast<int32_t>(d);
}

// --- for the probe ----------------------------------------------------------------------------

inline Words differences(Words a, Words b) { return a ^ b; }
inline uint64_t total(Sum sum) { return sum; }
/// Each byte of `index`, modulo 8 here, picks a byte of `table`.
inline Words look_up(Words table, Words index) {
    Words found = 0;
    for (int byte = 0; byte < 64; byte += 8) {
        found |= (table >> ((index >> byte & 7) * 8) & 0xff) << byte;
    }
    return found;
}

// --- matrix products of doubles: tiles of tile_rows x (tile_vectors vectors) -------------------

using Doubles = double;
constexpr size_t doubles_per_vector = 1;
constexpr size_t tile_rows = 2;
constexpr size_t tile_vectors = 4;
inline Doubles load_doubles(const double* p) { return *p; }
inline void store_doubles(double* p, Doubles x) { *p = x; }
inline Doubles spread(double x) { return x; }
inline Doubles add_doubles(Doubles a, Doubles b) { return a + b; }
inline Doubles fused(Doubles a, Doubles b, Doubles c) { return __builtin_fma(a, b, c); }

}  // namespace splinecode::SPLINECODE_LEVEL

#pragma once

// Lanes of the NEON level (AArch64, where it is always there).

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

// --- 64 comparisons to one word -------------------------------------------------------------

using NanSeen = uint64_t;
inline uint64_t any(NanSeen seen) { return seen; }
using Largest = uint16x8_t;
inline bool exceeds(Largest largest, uint16_t limit) { return vmaxvq_u16(largest) > limit; }

/// Bit j = lane j of 16 byte masks.
inline uint64_t mask16(uint8x16_t lanes) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vandq_u8(lanes, vld1q_u8(weights));
    return static_cast<uint64_t>(vaddv_u8(vget_low_u8(bits))) |
           static_cast<uint64_t>(vaddv_u8(vget_high_u8(bits))) << 8;
}
inline uint16x8_t narrow(uint32x4_t low, uint32x4_t high) {
    return vcombine_u16(vmovn_u32(low), vmovn_u32(high));
}
inline uint8x16_t narrow(uint16x8_t low, uint16x8_t high) {
    return vcombine_u8(vmovn_u16(low), vmovn_u16(high));
}
/// Bit j = lane j of eight pairs of 64-bit masks.
inline uint64_t mask_of_pairs(const uint64x2_t* m) {
    const auto pair = [&](size_t i) { return vcombine_u32(vmovn_u64(m[i]), vmovn_u64(m[i + 1])); };
    return mask16(narrow(narrow(pair(0), pair(2)), narrow(pair(4), pair(6))));
}

inline uint64_t greater64(const float* z, float threshold, NanSeen& nan) {
    const float32x4_t limit = vdupq_n_f32(threshold);
    uint32x4_t ordered = vdupq_n_u32(~0u);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        uint32x4_t above[4];
        for (size_t i = 0; i < 4; ++i) {
            const float32x4_t value = vld1q_f32(z + j + 4 * i);
            ordered = vandq_u32(ordered, vceqq_f32(value, value));
            above[i] = vcgtq_f32(value, limit);
        }
        word |= mask16(narrow(narrow(above[0], above[1]), narrow(above[2], above[3]))) << j;
    }
    nan |= vminvq_u32(ordered) == 0;
    return word;
}

inline uint64_t greater64(const double* z, double threshold, NanSeen& nan) {
    const float64x2_t limit = vdupq_n_f64(threshold);
    uint64x2_t ordered = vdupq_n_u64(~uint64_t{0});
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        uint64x2_t above[8];
        for (size_t i = 0; i < 8; ++i) {
            const float64x2_t value = vld1q_f64(z + j + 2 * i);
            ordered = vandq_u64(ordered, vceqq_f64(value, value));
            above[i] = vcgtq_f64(value, limit);
        }
        word |= mask_of_pairs(above) << j;
    }
    nan |= (vgetq_lane_u64(ordered, 0) & vgetq_lane_u64(ordered, 1)) == 0;
    return word;
}

/// 8 lanes of 16 bits: all ones where the value is ordered and above the key.
inline uint16x8_t greater8(const uint16_t* z, int16x8_t key, int16x8_t infinity, uint16x8_t& nan) {
    const int16x8_t bits = vreinterpretq_s16_u16(vld1q_u16(z));
    const int16x8_t magnitude = vdupq_n_s16(0x7fff);
    const int16x8_t ordered = veorq_s16(bits, vandq_s16(vshrq_n_s16(bits, 15), magnitude));
    const uint16x8_t is_nan = vcgtq_s16(vandq_s16(bits, magnitude), infinity);
    nan = vorrq_u16(nan, is_nan);
    return vbicq_u16(vcgtq_s16(ordered, key), is_nan);
}

inline uint64_t greater64(const uint16_t* z, int16_t key, uint16_t infinity, NanSeen& nan) {
    const int16x8_t keys = vdupq_n_s16(key);
    const int16x8_t limit = vdupq_n_s16(static_cast<int16_t>(infinity));
    uint16x8_t seen = vdupq_n_u16(0);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        const uint16x8_t low = greater8(z + j, keys, limit, seen);
        const uint16x8_t high = greater8(z + j + 8, keys, limit, seen);
        word |= mask16(narrow(low, high)) << j;
    }
    nan |= vmaxvq_u16(seen) != 0;
    return word;
}

/// Bit j = z[j] > key as int16, which for a key >= 0 is the order of 16-bit floats that are no NaN.
/// `largest` keeps the largest of the magnitudes, each shifted left by one.
inline uint64_t above64(const uint16_t* z, int16_t key, Largest& largest) {
    const int16x8_t keys = vdupq_n_s16(key);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        const uint16x8_t low = vld1q_u16(z + j);
        const uint16x8_t high = vld1q_u16(z + j + 8);
        largest = vmaxq_u16(largest, vmaxq_u16(vshlq_n_u16(low, 1), vshlq_n_u16(high, 1)));
        const uint16x8_t low_above = vcgtq_s16(vreinterpretq_s16_u16(low), keys);
        const uint16x8_t high_above = vcgtq_s16(vreinterpretq_s16_u16(high), keys);
        word |= mask16(narrow(low_above, high_above)) << j;
    }
    return word;
}

inline uint64_t nonzero64(const uint8_t* z) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        const uint8x16_t bytes = vld1q_u8(z + j);
        word |= mask16(vtstq_u8(bytes, bytes)) << j;
    }
    return word;
}

inline void classify64(const double* z, const double* tolerance, uint64_t& positive,
                       uint64_t& negative) {
    positive = negative = 0;
    for (size_t j = 0; j < 64; j += 16) {
        uint64x2_t above[8];
        uint64x2_t below[8];
        for (size_t i = 0; i < 8; ++i) {
            const float64x2_t value = vld1q_f64(z + j + 2 * i);
            const float64x2_t limit = vld1q_f64(tolerance + j + 2 * i);
            above[i] = vcgtq_f64(value, limit);
            below[i] = vcgtq_f64(vnegq_f64(value), limit);
        }
        positive |= mask_of_pairs(above) << j;
        negative |= mask_of_pairs(below) << j;
    }
}

// --- population counts ------------------------------------------------------------------------

using Words = uint8x16_t;
using Counts = uint8x16_t;
using Sum = uint32x4_t;
constexpr size_t words_per_vector = 2;
/// How many Counts may be added before a byte can overflow: each holds up to 8.
constexpr size_t counts_limit = 31;

inline Words load(const uint64_t* p) { return vreinterpretq_u8_u64(vld1q_u64(p)); }
/// The first word, the other zero (n is 1).
inline Words load_first(const uint64_t* p, size_t) {
    return vreinterpretq_u8_u64(vcombine_u64(vld1_u64(p), vdup_n_u64(0)));
}
inline Words both(Words a, Words b) { return vandq_u8(a, b); }
inline Counts count_differences(Words a, Words b) { return vcntq_u8(veorq_u8(a, b)); }
inline Counts no_counts() { return vdupq_n_u8(0); }
inline Counts add(Counts a, Counts b) { return vaddq_u8(a, b); }
inline Sum widen(Counts counts) { return vpaddlq_u16(vpaddlq_u8(counts)); }
inline Sum add_sums(Sum a, Sum b) { return vaddq_u32(a, b); }
inline void store4(int32_t* out, Sum a, Sum b, Sum c, Sum d) {
    const uint32x4_t total = vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d));
    vst1q_s32(out, vreinterpretq_s32_u32(total));
}

// --- for the probe ----------------------------------------------------------------------------

inline Words differences(Words a, Words b) { return veorq_u8(a, b); }
inline uint64_t total(Sum sum) { return vaddlvq_u32(sum); }
/// Each byte of `index` picks one of the 16 bytes of `table`.
inline Words look_up(Words table, Words index) { return vqtbl1q_u8(table, index); }

// --- matrix products of doubles: tiles of tile_rows x (tile_vectors vectors) -------------------

using Doubles = float64x2_t;
constexpr size_t doubles_per_vector = 2;
constexpr size_t tile_rows = 4;
constexpr size_t tile_vectors = 4;
inline Doubles load_doubles(const double* p) { return vld1q_f64(p); }
inline void store_doubles(double* p, Doubles x) { vst1q_f64(p, x); }
inline Doubles spread(double x) { return vdupq_n_f64(x); }
inline Doubles add_doubles(Doubles a, Doubles b) { return vaddq_f64(a, b); }
inline Doubles fused(Doubles a, Doubles b, Doubles c) { return vfmaq_f64(c, a, b); }

}  // namespace splinecode::SPLINECODE_LEVEL

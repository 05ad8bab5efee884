#pragma once

// Lanes of the AVX-512 level (F, BW, DQ, VL, VPOPCNTDQ): comparisons give masks, and a population
// count is one instruction per 64 bytes.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

// --- 64 comparisons to one word -------------------------------------------------------------

using NanSeen = uint64_t;
inline uint64_t any(NanSeen seen) { return seen; }
using Largest = __m512i;
inline bool exceeds(Largest largest, uint16_t limit) {
    // 32,768 less than each: signed comparisons order them as unsigned ones.
    const __m512i shift = _mm512_set1_epi16(INT16_MIN);
    const __m512i most = _mm512_set1_epi16(static_cast<int16_t>(limit));
    return _mm512_cmpgt_epi16_mask(_mm512_xor_si512(largest, shift),
                                   _mm512_xor_si512(most, shift)) != 0;
}

inline uint64_t greater64(const float* z, float threshold, NanSeen& nan) {
    const __m512 limit = _mm512_set1_ps(threshold);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 16) {
        const __m512 value = _mm512_loadu_ps(z + j);
        nan |= static_cast<uint64_t>(_mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q));
        word |= static_cast<uint64_t>(_mm512_cmp_ps_mask(value, limit, _CMP_GT_OQ)) << j;
    }
    return word;
}

inline uint64_t greater64(const double* z, double threshold, NanSeen& nan) {
    const __m512d limit = _mm512_set1_pd(threshold);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 8) {
        const __m512d value = _mm512_loadu_pd(z + j);
        nan |= static_cast<uint64_t>(_mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q));
        word |= static_cast<uint64_t>(_mm512_cmp_pd_mask(value, limit, _CMP_GT_OQ)) << j;
    }
    return word;
}

inline uint64_t greater64(const uint16_t* z, int16_t key, uint16_t infinity, NanSeen& nan) {
    const __m512i keys = _mm512_set1_epi16(key);
    const __m512i limit = _mm512_set1_epi16(static_cast<int16_t>(infinity));
    const __m512i magnitude = _mm512_set1_epi16(0x7fff);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 32) {
        const __m512i bits = _mm512_loadu_si512(z + j);
        const __m512i flip = _mm512_and_si512(_mm512_srai_epi16(bits, 15), magnitude);
        const __m512i ordered = _mm512_xor_si512(bits, flip);
        const __m512i absolute = _mm512_and_si512(bits, magnitude);
        const uint64_t is_nan = _mm512_cmpgt_epi16_mask(absolute, limit);
        const uint64_t above = _mm512_cmpgt_epi16_mask(ordered, keys);
        nan |= is_nan;
        word |= (above & ~is_nan) << j;
    }
    return word;
}

/// Bit j = z[j] > key as int16, which for a key >= 0 is the order of 16-bit floats that are no NaN.
/// `largest` keeps the largest of the magnitudes, each shifted left by one.
inline uint64_t above64(const uint16_t* z, int16_t key, Largest& largest) {
    const __m512i keys = _mm512_set1_epi16(key);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 32) {
        const __m512i bits = _mm512_loadu_si512(z + j);
        largest = _mm512_max_epu16(largest, _mm512_add_epi16(bits, bits));
        word |= static_cast<uint64_t>(_mm512_cmpgt_epi16_mask(bits, keys)) << j;
    }
    return word;
}

inline uint64_t nonzero64(const uint8_t* z) {
    const __m512i bytes = _mm512_loadu_si512(z);
    return _mm512_test_epi8_mask(bytes, bytes);
}

inline void classify64(const double* z, const double* tolerance, uint64_t& positive,
                       uint64_t& negative) {
    const __m512i sign = _mm512_set1_epi64(static_cast<long long>(0x8000000000000000u));
    positive = negative = 0;
    for (size_t j = 0; j < 64; j += 8) {
        const __m512d value = _mm512_loadu_pd(z + j);
        const __m512d limit = _mm512_loadu_pd(tolerance + j);
        const __m512d minus =
            _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(value), sign));
        positive |= static_cast<uint64_t>(_mm512_cmp_pd_mask(value, limit, _CMP_GT_OQ)) << j;
        negative |= static_cast<uint64_t>(_mm512_cmp_pd_mask(minus, limit, _CMP_GT_OQ)) << j;
    }
}

// --- population counts ------------------------------------------------------------------------

using Words = __m512i;
using Counts = __m512i;  // 8 counts of 64 bits
using Sum = __m512i;
constexpr size_t words_per_vector = 8;
constexpr size_t counts_limit = 1u << 20;

inline Words load(const uint64_t* p) { return _mm512_loadu_si512(p); }
/// The first n < 8 words, the others zero.
inline Words load_first(const uint64_t* p, size_t n) {
    return _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << n) - 1), p);
}
inline Words both(Words a, Words b) { return _mm512_and_si512(a, b); }
inline Counts count_differences(Words a, Words b) {
    return _mm512_popcnt_epi64(_mm512_xor_si512(a, b));
}
inline Counts no_counts() { return _mm512_setzero_si512(); }
inline Counts add(Counts a, Counts b) { return _mm512_add_epi64(a, b); }
inline Sum widen(Counts counts) { return counts; }
inline Sum add_sums(Sum a, Sum b) { return _mm512_add_epi64(a, b); }
/// Four totals at once: b and d ride in the upper halves of the lanes of a and c.
inline void store4(int32_t* out, Sum a, Sum b, Sum c, Sum d) {
    const __m512i ab = _mm512_add_epi64(a, _mm512_slli_epi64(b, 32));
    const __m512i cd = _mm512_add_epi64(c, _mm512_slli_epi64(d, 32));
    const __m512i pairs =
        _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    const __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(pairs), _mm512_extracti64x4_epi64(pairs, 1));
    const __m128i total =
        _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), total);
}

// --- for the probe ----------------------------------------------------------------------------

inline Words differences(Words a, Words b) { return _mm512_xor_si512(a, b); }
inline uint64_t total(Sum sum) {
    alignas(64) uint64_t parts[8];
    _mm512_store_si512(parts, sum);
    uint64_t all = 0;
    for (const uint64_t part : parts) {
        all += part;
    }
    return all;
}
/// Each byte of `index` picks one of the 16 bytes of its quarter of `table`.
inline Words look_up(Words table, Words index) { return _mm512_shuffle_epi8(table, index); }

// --- matrix products of doubles: tiles of tile_rows x (tile_vectors vectors) -------------------

using Doubles = __m512d;
constexpr size_t doubles_per_vector = 8;
constexpr size_t tile_rows = 8;
constexpr size_t tile_vectors = 2;
inline Doubles load_doubles(const double* p) { return _mm512_loadu_pd(p); }
inline void store_doubles(double* p, Doubles x) { _mm512_storeu_pd(p, x); }
inline Doubles spread(double x) { return _mm512_set1_pd(x); }
inline Doubles add_doubles(Doubles a, Doubles b) { return _mm512_add_pd(a, b); }
inline Doubles fused(Doubles a, Doubles b, Doubles c) { return _mm512_fmadd_pd(a, b, c); }

}  // namespace splinecode::SPLINECODE_LEVEL

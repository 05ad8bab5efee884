#pragma once

// Lanes of the AVX2 level. Population counts are by nibble look-up (Mula): per 32 bytes one xor,
// two ands, a shift, two shuffles and two adds, so about 40 GB/s of code bits a core.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

// --- 64 comparisons to one word -------------------------------------------------------------

using NanSeen = __m256d;
inline uint64_t any(NanSeen seen) { return static_cast<uint64_t>(_mm256_movemask_pd(seen)); }

using Largest = __m256i;
inline bool exceeds(Largest largest, uint16_t limit) {
    const __m256i most = _mm256_set1_epi16(static_cast<int16_t>(limit));
    const __m256i within = _mm256_cmpeq_epi16(_mm256_max_epu16(largest, most), most);
    return _mm256_movemask_epi8(within) != -1;
}

inline uint64_t mask4(__m256d lanes) { return static_cast<uint32_t>(_mm256_movemask_pd(lanes)); }
inline uint64_t mask32(__m256i bytes) { return static_cast<uint32_t>(_mm256_movemask_epi8(bytes)); }

/// Bit j = z[j] > limit, for 32 values. Masks are packed to bytes first: one movemask, not four.
inline uint64_t greater32(const float* z, __m256 limit, __m256& unordered) {
    const __m256 a = _mm256_loadu_ps(z);
    const __m256 b = _mm256_loadu_ps(z + 8);
    const __m256 c = _mm256_loadu_ps(z + 16);
    const __m256 d = _mm256_loadu_ps(z + 24);
    // One comparison finds a NaN in either vector.
    const __m256 either =
        _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q), _mm256_cmp_ps(c, d, _CMP_UNORD_Q));
    unordered = _mm256_or_ps(unordered, either);
    const auto above = [&](__m256 x) {
        return _mm256_castps_si256(_mm256_cmp_ps(x, limit, _CMP_GT_OQ));
    };
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(above(a), above(b)),
                                             _mm256_packs_epi32(above(c), above(d)));
    // packs works within 128-bit halves; the permutation restores the order.
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return mask32(_mm256_permutevar8x32_epi32(bytes, order));
}

inline uint64_t greater64(const float* z, float threshold, NanSeen& nan) {
    const __m256 limit = _mm256_set1_ps(threshold);
    __m256 unordered = _mm256_castpd_ps(nan);
    const uint64_t low = greater32(z, limit, unordered);
    const uint64_t high = greater32(z + 32, limit, unordered);
    // `any` reads the top bit of each 64-bit lane: bring the lower half's mark there too.
    const __m256i lanes = _mm256_castps_si256(unordered);
    nan = _mm256_castsi256_pd(_mm256_or_si256(lanes, _mm256_slli_epi64(lanes, 32)));
    return low | high << 32;
}

inline uint64_t greater64(const double* z, double threshold, NanSeen& nan) {
    const __m256d limit = _mm256_set1_pd(threshold);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 8) {
        const __m256d low = _mm256_loadu_pd(z + j);
        const __m256d high = _mm256_loadu_pd(z + j + 4);
        nan = _mm256_or_pd(nan, _mm256_cmp_pd(low, high, _CMP_UNORD_Q));
        word |= mask4(_mm256_cmp_pd(low, limit, _CMP_GT_OQ)) << j;
        word |= mask4(_mm256_cmp_pd(high, limit, _CMP_GT_OQ)) << (j + 4);
    }
    return word;
}

/// 16 lanes of 16 bits: all ones where the value is ordered and above the key.
inline __m256i greater16(const uint16_t* z, __m256i key, __m256i infinity, __m256i& nan) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(z));
    const __m256i magnitude = _mm256_set1_epi16(0x7fff);
    const __m256i flip = _mm256_and_si256(_mm256_srai_epi16(bits, 15), magnitude);
    const __m256i ordered = _mm256_xor_si256(bits, flip);
    const __m256i is_nan = _mm256_cmpgt_epi16(_mm256_and_si256(bits, magnitude), infinity);
    nan = _mm256_or_si256(nan, is_nan);
    return _mm256_andnot_si256(is_nan, _mm256_cmpgt_epi16(ordered, key));
}

inline uint64_t greater64(const uint16_t* z, int16_t key, uint16_t infinity, NanSeen& nan) {
    const __m256i keys = _mm256_set1_epi16(key);
    const __m256i limit = _mm256_set1_epi16(static_cast<int16_t>(infinity));
    __m256i seen = _mm256_setzero_si256();
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 32) {
        const __m256i low = greater16(z + j, keys, limit, seen);
        const __m256i high = greater16(z + j + 16, keys, limit, seen);
        // packs works within 128-bit halves; the permutation restores the order.
        const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
        word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(bytes))) << j;
    }
    const __m256i none = _mm256_cmpeq_epi64(seen, _mm256_setzero_si256());
    nan = _mm256_or_pd(nan, _mm256_castsi256_pd(_mm256_xor_si256(none, _mm256_set1_epi64x(-1))));
    return word;
}

/// Bit j = z[j] > key as int16, which for a key >= 0 is the order of 16-bit floats that are no NaN.
/// `largest` keeps the largest of the magnitudes, each shifted left by one.
inline uint64_t above64(const uint16_t* z, int16_t key, Largest& largest) {
    const __m256i keys = _mm256_set1_epi16(key);
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += 32) {
        const auto* p = reinterpret_cast<const __m256i*>(z + j);
        const __m256i low = _mm256_loadu_si256(p);
        const __m256i high = _mm256_loadu_si256(p + 1);
        largest = _mm256_max_epu16(largest, _mm256_add_epi16(low, low));
        largest = _mm256_max_epu16(largest, _mm256_add_epi16(high, high));
        const __m256i bytes =
            _mm256_packs_epi16(_mm256_cmpgt_epi16(low, keys), _mm256_cmpgt_epi16(high, keys));
        word |= mask32(_mm256_permute4x64_epi64(bytes, 0xd8)) << j;
    }
    return word;
}

inline uint64_t nonzero64(const uint8_t* z) {
    const __m256i zero = _mm256_setzero_si256();
    const auto* p = reinterpret_cast<const __m256i*>(z);
    const __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(p), zero);
    const __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 1), zero);
    const auto low_mask = static_cast<uint32_t>(_mm256_movemask_epi8(low));
    const auto high_mask = static_cast<uint32_t>(_mm256_movemask_epi8(high));
    return ~(low_mask | static_cast<uint64_t>(high_mask) << 32);
}

inline void classify64(const double* z, const double* tolerance, uint64_t& positive,
                       uint64_t& negative) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    positive = negative = 0;
    for (size_t j = 0; j < 64; j += 4) {
        const __m256d value = _mm256_loadu_pd(z + j);
        const __m256d limit = _mm256_loadu_pd(tolerance + j);
        const __m256d minus = _mm256_xor_pd(value, sign);
        positive |= mask4(_mm256_cmp_pd(value, limit, _CMP_GT_OQ)) << j;
        negative |= mask4(_mm256_cmp_pd(minus, limit, _CMP_GT_OQ)) << j;
    }
}

// --- population counts ------------------------------------------------------------------------

using Words = __m256i;
using Counts = __m256i;  // 32 bytes
using Sum = __m256i;     // 4 counts of 64 bits
constexpr size_t words_per_vector = 4;
/// How many Counts may be added before a byte can overflow: each holds up to 8.
constexpr size_t counts_limit = 31;

inline Words load(const uint64_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
/// The first n < 4 words, the others zero.
inline Words load_first(const uint64_t* p, size_t n) {
    const __m256i index = _mm256_set_epi64x(3, 2, 1, 0);
    const __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x(static_cast<long long>(n)), index);
    return _mm256_maskload_epi64(reinterpret_cast<const long long*>(p), mask);
}
inline Words both(Words a, Words b) { return _mm256_and_si256(a, b); }
inline Counts count_differences(Words a, Words b) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    const __m256i bits = _mm256_xor_si256(a, b);
    const __m256i low = _mm256_and_si256(bits, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
}
inline Counts no_counts() { return _mm256_setzero_si256(); }
inline Counts add(Counts a, Counts b) { return _mm256_add_epi8(a, b); }
inline Sum widen(Counts counts) { return _mm256_sad_epu8(counts, _mm256_setzero_si256()); }
inline Sum add_sums(Sum a, Sum b) { return _mm256_add_epi64(a, b); }
/// Four totals at once: b and d ride in the upper halves of the lanes of a and c.
inline void store4(int32_t* out, Sum a, Sum b, Sum c, Sum d) {
    const __m256i ab = _mm256_add_epi64(a, _mm256_slli_epi64(b, 32));
    const __m256i cd = _mm256_add_epi64(c, _mm256_slli_epi64(d, 32));
    const __m256i pairs =
        _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    const __m128i total =
        _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), total);
}

// --- for the probe ----------------------------------------------------------------------------

inline Words differences(Words a, Words b) { return _mm256_xor_si256(a, b); }
inline uint64_t total(Sum sum) {
    alignas(32) uint64_t parts[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sum);
    return parts[0] + parts[1] + parts[2] + parts[3];
}
/// Each byte of `index` picks one of the 16 bytes of its half of `table`.
inline Words look_up(Words table, Words index) { return _mm256_shuffle_epi8(table, index); }

// --- matrix products of doubles: tiles of tile_rows x (tile_vectors vectors) -------------------

using Doubles = __m256d;
constexpr size_t doubles_per_vector = 4;
constexpr size_t tile_rows = 4;
constexpr size_t tile_vectors = 2;
inline Doubles load_doubles(const double* p) { return _mm256_loadu_pd(p); }
inline void store_doubles(double* p, Doubles x) { _mm256_storeu_pd(p, x); }
inline Doubles spread(double x) { return _mm256_set1_pd(x); }
inline Doubles add_doubles(Doubles a, Doubles b) { return _mm256_add_pd(a, b); }
inline Doubles fused(Doubles a, Doubles b, Doubles c) { return _mm256_fmadd_pd(a, b, c); }

}  // namespace splinecode::SPLINECODE_LEVEL

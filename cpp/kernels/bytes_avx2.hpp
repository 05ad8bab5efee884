#pragma once

// Vectors of bytes at the AVX2 level: 32 bytes, or sixteen 16-bit halves.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

using Bytes = __m256i;

inline Bytes load_bytes(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void store_bytes(void* p, Bytes bytes) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), bytes);
}
inline Bytes splat_bytes(uint8_t value) { return _mm256_set1_epi8(static_cast<char>(value)); }
inline Bytes splat_halves(uint16_t value) { return _mm256_set1_epi16(static_cast<short>(value)); }
inline Bytes add_bytes(Bytes a, Bytes b) { return _mm256_add_epi8(a, b); }
inline Bytes subtract_bytes(Bytes a, Bytes b) { return _mm256_sub_epi8(a, b); }
inline Bytes and_bytes(Bytes a, Bytes b) { return _mm256_and_si256(a, b); }
inline Bytes or_bytes(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
inline Bytes add_halves(Bytes a, Bytes b) { return _mm256_add_epi16(a, b); }
inline Bytes subtract_halves(Bytes a, Bytes b) { return _mm256_sub_epi16(a, b); }
template <int N>
Bytes shift_halves_left(Bytes a) {
    return _mm256_slli_epi16(a, N);
}
template <int N>
Bytes shift_halves_right(Bytes a) {
    return _mm256_srli_epi16(a, N);
}
/// |a - b| in every half, unsigned.
inline Bytes difference_halves(Bytes a, Bytes b) {
    return _mm256_or_si256(_mm256_subs_epu16(a, b), _mm256_subs_epu16(b, a));
}
/// Nonzero exactly in the halves where value < limit, unsigned.
inline Bytes below_halves(Bytes value, Bytes limit) { return _mm256_subs_epu16(limit, value); }
inline bool any_byte(Bytes a) { return !_mm256_testz_si256(a, a); }
/// Bit i = half i is not zero.
inline uint64_t nonzero_halves(Bytes a) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i bytes = _mm256_packs_epi16(_mm256_cmpeq_epi16(a, zero), zero);
    const auto mask = ~static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
    return (mask & 0xff) | (mask >> 8 & 0xff00);
}
/// 1 in the halves that are not zero.
inline Bytes one_if_nonzero(Bytes a) {
    return _mm256_add_epi16(_mm256_set1_epi16(1), _mm256_cmpeq_epi16(a, _mm256_setzero_si256()));
}
/// Byte i = bit i.
inline Bytes spread_bits(uint64_t bits) {
    const __m256i copies = _mm256_set1_epi32(static_cast<int>(bits));
    const __m256i source = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    const __m256i chosen = _mm256_and_si256(_mm256_shuffle_epi8(copies, source), bit);
    return _mm256_and_si256(_mm256_cmpeq_epi8(chosen, bit), _mm256_set1_epi8(1));
}

/// Whether look-ups in registers beat this level's population counts: a count takes eight
/// instructions.
constexpr bool nibbles_pay = true;
/// Every byte of `index`, below 16, picks one of the 16 bytes of its lane of the table.
using Table = Bytes;
inline Table load_table(const uint8_t* p) { return load_bytes(p); }
inline Bytes pick_bytes(Table table, Bytes index) { return _mm256_shuffle_epi8(table, index); }
/// The bytes of the lower or upper halves of the lanes, in turn from a and b.
inline Bytes interleave_low(Bytes a, Bytes b) { return _mm256_unpacklo_epi8(a, b); }
inline Bytes interleave_high(Bytes a, Bytes b) { return _mm256_unpackhi_epi8(a, b); }
/// Writes, or adds to what is there, the halves of a and then of b, each summed over the lanes.
template <bool Add>
void put_lanes(uint16_t* to, Bytes a, Bytes b) {
    const __m256i sum = _mm256_add_epi16(_mm256_permute2x128_si256(a, b, 0x20),
                                         _mm256_permute2x128_si256(a, b, 0x31));
    store_bytes(to, Add ? add_halves(sum, load_bytes(to)) : sum);
}

}  // namespace splinecode::SPLINECODE_LEVEL

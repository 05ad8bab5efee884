#pragma once

// Vectors of bytes at the AVX-512 level: 64 bytes, or thirty-two 16-bit halves.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

using Bytes = __m512i;

inline Bytes load_bytes(const void* p) { return _mm512_loadu_si512(p); }
inline void store_bytes(void* p, Bytes bytes) { _mm512_storeu_si512(p, bytes); }
inline Bytes splat_bytes(uint8_t value) { return _mm512_set1_epi8(static_cast<char>(value)); }
inline Bytes splat_halves(uint16_t value) { return _mm512_set1_epi16(static_cast<short>(value)); }
inline Bytes add_bytes(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
inline Bytes subtract_bytes(Bytes a, Bytes b) { return _mm512_sub_epi8(a, b); }
inline Bytes and_bytes(Bytes a, Bytes b) { return _mm512_and_si512(a, b); }
inline Bytes or_bytes(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
inline Bytes add_halves(Bytes a, Bytes b) { return _mm512_add_epi16(a, b); }
inline Bytes subtract_halves(Bytes a, Bytes b) { return _mm512_sub_epi16(a, b); }
template <int N>
Bytes shift_halves_left(Bytes a) {
    return _mm512_slli_epi16(a, N);
}
template <int N>
Bytes shift_halves_right(Bytes a) {
    return _mm512_srli_epi16(a, N);
}
/// |a - b| in every half, unsigned.
inline Bytes difference_halves(Bytes a, Bytes b) {
    return _mm512_or_si512(_mm512_subs_epu16(a, b), _mm512_subs_epu16(b, a));
}
/// Nonzero exactly in the halves where value < limit, unsigned.
inline Bytes below_halves(Bytes value, Bytes limit) { return _mm512_subs_epu16(limit, value); }
inline bool any_byte(Bytes a) { return _mm512_test_epi64_mask(a, a) != 0; }
/// Bit i = half i is not zero.
inline uint64_t nonzero_halves(Bytes a) { return _mm512_test_epi16_mask(a, a); }
/// 1 in the halves that are not zero.
inline Bytes one_if_nonzero(Bytes a) {
    return _mm512_maskz_set1_epi16(_mm512_test_epi16_mask(a, a), 1);
}
/// Byte i = bit i.
inline Bytes spread_bits(uint64_t bits) { return _mm512_maskz_set1_epi8(bits, 1); }

/// Whether look-ups in registers beat this level's population counts: a count is one instruction.
constexpr bool nibbles_pay = false;
/// Every byte of `index`, below 16, picks one of the 16 bytes of its lane of the table.
using Table = Bytes;
inline Table load_table(const uint8_t* p) { return load_bytes(p); }
inline Bytes pick_bytes(Table table, Bytes index) { return _mm512_shuffle_epi8(table, index); }
/// The bytes of the lower or upper halves of the lanes, in turn from a and b.
inline Bytes interleave_low(Bytes a, Bytes b) { return _mm512_unpacklo_epi8(a, b); }
inline Bytes interleave_high(Bytes a, Bytes b) { return _mm512_unpackhi_epi8(a, b); }
/// Writes, or adds to what is there, the halves of a and then of b, each summed over the lanes.
template <bool Add>
void put_lanes(uint16_t* to, Bytes a, Bytes b) {
    const auto two_lanes = [](Bytes c) {
        return _mm256_add_epi16(_mm512_castsi512_si256(c), _mm512_extracti64x4_epi64(c, 1));
    };
    const __m256i x = two_lanes(a);
    const __m256i y = two_lanes(b);
    const __m256i sum = _mm256_add_epi16(_mm256_permute2x128_si256(x, y, 0x20),
                                         _mm256_permute2x128_si256(x, y, 0x31));
    auto* const p = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(p, Add ? _mm256_add_epi16(sum, _mm256_loadu_si256(p)) : sum);
}

}  // namespace splinecode::SPLINECODE_LEVEL

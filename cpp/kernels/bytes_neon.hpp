#pragma once

// Vectors of bytes at the NEON level: 16 bytes, or eight 16-bit halves.

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

using Bytes = uint8x16_t;

inline uint16x8_t halves_of(Bytes a) { return vreinterpretq_u16_u8(a); }
inline Bytes bytes_of(uint16x8_t a) { return vreinterpretq_u8_u16(a); }

inline Bytes load_bytes(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }
inline void store_bytes(void* p, Bytes bytes) { vst1q_u8(static_cast<uint8_t*>(p), bytes); }
inline Bytes splat_bytes(uint8_t value) { return vdupq_n_u8(value); }
inline Bytes splat_halves(uint16_t value) { return bytes_of(vdupq_n_u16(value)); }
inline Bytes add_bytes(Bytes a, Bytes b) { return vaddq_u8(a, b); }
inline Bytes subtract_bytes(Bytes a, Bytes b) { return vsubq_u8(a, b); }
inline Bytes and_bytes(Bytes a, Bytes b) { return vandq_u8(a, b); }
inline Bytes or_bytes(Bytes a, Bytes b) { return vorrq_u8(a, b); }
inline Bytes add_halves(Bytes a, Bytes b) {
    return bytes_of(vaddq_u16(halves_of(a), halves_of(b)));
}
inline Bytes subtract_halves(Bytes a, Bytes b) {
    return bytes_of(vsubq_u16(halves_of(a), halves_of(b)));
}
template <int N>
Bytes shift_halves_left(Bytes a) {
    return bytes_of(vshlq_n_u16(halves_of(a), N));
}
template <int N>
Bytes shift_halves_right(Bytes a) {
    return bytes_of(vshrq_n_u16(halves_of(a), N));
}
/// |a - b| in every half, unsigned.
inline Bytes difference_halves(Bytes a, Bytes b) {
    return bytes_of(vabdq_u16(halves_of(a), halves_of(b)));
}
/// Nonzero exactly in the halves where value < limit, unsigned.
inline Bytes below_halves(Bytes value, Bytes limit) {
    return bytes_of(vqsubq_u16(halves_of(limit), halves_of(value)));
}
inline bool any_byte(Bytes a) { return vmaxvq_u8(a) != 0; }
/// Bit i = half i is not zero.
inline uint64_t nonzero_halves(Bytes a) {
    const uint16_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    return vaddvq_u16(vandq_u16(vtstq_u16(halves_of(a), halves_of(a)), vld1q_u16(bits)));
}
/// 1 in the halves that are not zero.
inline Bytes one_if_nonzero(Bytes a) {
    return bytes_of(vshrq_n_u16(vtstq_u16(halves_of(a), halves_of(a)), 15));
}
/// Byte i = bit i.
inline Bytes spread_bits(uint64_t bits) {
    const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t copies = vcombine_u8(vdup_n_u8(static_cast<uint8_t>(bits)),
                                          vdup_n_u8(static_cast<uint8_t>(bits >> 8)));
    return vandq_u8(vtstq_u8(copies, vld1q_u8(bit)), vdupq_n_u8(1));
}

/// Whether look-ups in registers beat this level's population counts: a count is one instruction.
constexpr bool nibbles_pay = false;
/// Every byte of `index`, below 16, picks one of the 16 bytes of the table.
using Table = Bytes;
inline Table load_table(const uint8_t* p) { return load_bytes(p); }
inline Bytes pick_bytes(Table table, Bytes index) { return vqtbl1q_u8(table, index); }
/// The bytes of the lower or upper halves, in turn from a and b.
inline Bytes interleave_low(Bytes a, Bytes b) { return vzip1q_u8(a, b); }
inline Bytes interleave_high(Bytes a, Bytes b) { return vzip2q_u8(a, b); }
/// Writes, or adds to what is there, the halves of a and then of b.
template <bool Add>
void put_lanes(uint16_t* to, Bytes a, Bytes b) {
    store_bytes(to, Add ? add_halves(a, load_bytes(to)) : a);
    store_bytes(to + 8, Add ? add_halves(b, load_bytes(to + 8)) : b);
}

}  // namespace splinecode::SPLINECODE_LEVEL

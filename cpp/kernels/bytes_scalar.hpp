#pragma once

// Vectors of bytes at the scalar level: eight bytes, or four 16-bit halves, in one word.

#include <stddef.h>
#include <stdint.h>

namespace splinecode::SPLINECODE_LEVEL {

using Bytes = uint64_t;
constexpr uint64_t byte_tops = 0x8080808080808080u;
constexpr uint64_t half_tops = 0x8000800080008000u;

inline Bytes load_bytes(const void* p) {
    Bytes bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return bytes;
}
inline void store_bytes(void* p, Bytes bytes) { __builtin_memcpy(p, &bytes, sizeof bytes); }
inline Bytes splat_bytes(uint8_t value) { return value * 0x0101010101010101u; }
inline Bytes splat_halves(uint16_t value) { return value * 0x0001000100010001u; }
inline Bytes add_bytes(Bytes a, Bytes b) {
    return ((a & ~byte_tops) + (b & ~byte_tops)) ^ ((a ^ b) & byte_tops);
}
inline Bytes subtract_bytes(Bytes a, Bytes b) {
    return ((a | byte_tops) - (b & ~byte_tops)) ^ ((a ^ ~b) & byte_tops);
}
inline Bytes and_bytes(Bytes a, Bytes b) { return a & b; }
inline Bytes or_bytes(Bytes a, Bytes b) { return a | b; }
inline Bytes add_halves(Bytes a, Bytes b) {
    return ((a & ~half_tops) + (b & ~half_tops)) ^ ((a ^ b) & half_tops);
}
inline Bytes subtract_halves(Bytes a, Bytes b) {
    return ((a | half_tops) - (b & ~half_tops)) ^ ((a ^ ~b) & half_tops);
}
template <int N>
Bytes shift_halves_left(Bytes a) {
    return (a << N) & splat_halves(static_cast<uint16_t>(0xffffu << N));
}
template <int N>
Bytes shift_halves_right(Bytes a) {
    return (a >> N) & splat_halves(static_cast<uint16_t>(0xffffu >> N));
}
/// |a - b| in every half, unsigned.
inline Bytes difference_halves(Bytes a, Bytes b) {
    Bytes out = 0;
    for (size_t i = 0; i < 64; i += 16) {
        const uint64_t x = a >> i & 0xffff;
        const uint64_t y = b >> i & 0xffff;
        out |= (x < y ? y - x : x - y) << i;
    }
    return out;
}
/// Nonzero exactly in the halves where value < limit, unsigned.
inline Bytes below_halves(Bytes value, Bytes limit) {
    // The borrow of value - limit, half by half.
    const Bytes difference = subtract_halves(value, limit);
    return ((~value & limit) | (~(value ^ limit) & difference)) & half_tops;
}
inline bool any_byte(Bytes a) { return a != 0; }
/// Bit i = half i is not zero.
inline uint64_t nonzero_halves(Bytes a) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 4; ++i) {
        bits |= static_cast<uint64_t>((a >> (16 * i) & 0xffff) != 0) << i;
    }
    return bits;
}
/// 1 in the halves that are not zero.
inline Bytes one_if_nonzero(Bytes a) {
    return (((a & ~half_tops) + ~half_tops) | a) >> 15 & splat_halves(1);
}
/// Byte i = bit i.
inline Bytes spread_bits(uint64_t bits) {
    const Bytes chosen = (bits & 0xff) * 0x0101010101010101u & 0x8040201008040201u;
    return ((chosen + ~byte_tops) >> 7) & splat_bytes(1);
}

/// Whether look-ups in registers beat this level's population counts: a look-up takes a loop over
/// bytes.
constexpr bool nibbles_pay = false;
/// Every byte of `index`, below 16, picks one of the 16 bytes of the table.
using Table = const uint8_t*;
inline Table load_table(const uint8_t* p) { return p; }
inline Bytes pick_bytes(Table table, Bytes index) {
    Bytes picked = 0;
    for (size_t i = 0; i < 64; i += 8) {
        picked |= Bytes{table[index >> i & 0xff]} << i;
    }
    return picked;
}
/// Byte 2i = byte i of the lower half.
inline Bytes spread_low(Bytes a) {
    a &= 0xffffffffu;
    a = (a | a << 16) & 0x0000ffff0000ffffu;
    return (a | a << 8) & 0x00ff00ff00ff00ffu;
}
/// The bytes of the lower or upper halves, in turn from a and b.
inline Bytes interleave_low(Bytes a, Bytes b) { return spread_low(a) | spread_low(b) << 8; }
inline Bytes interleave_high(Bytes a, Bytes b) { return interleave_low(a >> 32, b >> 32); }
/// Writes, or adds to what is there, the halves of a and then of b.
template <bool Add>
void put_lanes(uint16_t* to, Bytes a, Bytes b) {
    store_bytes(to, Add ? add_halves(a, load_bytes(to)) : a);
    store_bytes(to + 4, Add ? add_halves(b, load_bytes(to + 4)) : b);
}

}  // namespace splinecode::SPLINECODE_LEVEL

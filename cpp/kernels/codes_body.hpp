#pragma once

// Packing, one row at a time, over the lanes of a level.
//
// Floor: the bytes of z read once at memory bandwidth (27.8 GB/s on two Zen 3 cores). From a cache
// the lanes take some 60 GB/s a core, so that the memory is the limit. What is read is asked for a
// kilobyte ahead: the processor's own prefetching stops at every page.

namespace splinecode::SPLINECODE_LEVEL {

constexpr size_t prefetch_bytes = 1024;
constexpr size_t line_bytes = 64;

/// Calls word(z + 64 * i) for every full word and then for a copy of the tail padded with `pad`.
template <class T, class WordFn>
inline void for_each_word(const T* z, size_t n, T pad, uint64_t* words, WordFn word) {
    size_t i = 0;
    for (; n >= 64; n -= 64, z += 64) {
        if (n >= 64 + prefetch_bytes / sizeof(T)) {
            const char* ahead = reinterpret_cast<const char*>(z) + prefetch_bytes;
            for (size_t line = 0; line < 64 * sizeof(T); line += line_bytes) {
                __builtin_prefetch(ahead + line);
            }
        }
        words[i++] = word(z);
    }
    if (n > 0) {
        T tail[64];
        for (size_t j = 0; j < 64; ++j) {
            tail[j] = j < n ? z[j] : pad;
        }
        words[i] = word(tail);
    }
}

template <class Float>
uint64_t pack_float(const Float* z, size_t n, Float threshold, uint64_t* words) {
    NanSeen nan{};
    const auto pad = static_cast<Float>(-__builtin_inf());
    for_each_word(z, n, pad, words, [&](const Float* p) { return greater64(p, threshold, nan); });
    return any(nan);
}

inline uint64_t pack_half(const uint16_t* z, size_t n, int16_t key, uint16_t infinity,
                          uint64_t* words) {
    const auto minus_infinity = static_cast<uint16_t>(infinity | 0x8000);
    if (key >= 0) {  // then the bits order as int16, but for NaN, which is rare
        Largest largest{};
        for_each_word(z, n, minus_infinity, words,
                      [&](const uint16_t* p) { return above64(p, key, largest); });
        if (!exceeds(largest, static_cast<uint16_t>(2 * infinity))) {
            return 0;
        }
    }
    NanSeen nan{};
    for_each_word(z, n, minus_infinity, words,
                  [&](const uint16_t* p) { return greater64(p, key, infinity, nan); });
    return any(nan);
}

inline void pack_bool(const uint8_t* z, size_t n, uint64_t* words) {
    for_each_word(z, n, uint8_t{0}, words, [](const uint8_t* p) { return nonzero64(p); });
}

/// Swaps the off-diagonal squares of side `half` in one row of blocks, as transpose_bits does.
inline void swap_squares(uint64_t* __restrict upper, uint64_t* __restrict lower, size_t n,
                         unsigned half, uint64_t low) {
    for (size_t i = 0; i < n; ++i) {
        const uint64_t swapped = (upper[i] >> half ^ lower[i]) & low;
        upper[i] ^= swapped << half;
        lower[i] ^= swapped;
    }
}

inline void transpose_bits(uint64_t* words, size_t squares) {
    uint64_t low = 0x00000000ffffffff;
    for (unsigned half = 32; half > 0; half /= 2, low ^= low << half) {
        for (size_t block = 0; block < 64; block += 2 * half) {
            swap_squares(words + block * squares, words + (block + half) * squares, half * squares,
                         half, low);
        }
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

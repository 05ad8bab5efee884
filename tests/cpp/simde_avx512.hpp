#pragma once

// Included before a kernel file instead of AVX-512 flags: SIMDe's portable intrinsics under the
// names of the native ones, with the two that SIMDe 0.7.4 lacks.

#include <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

inline __mmask32 splinecode_cmpgt_epi16_mask(__m512i a, __m512i b) {
    int16_t left[32];
    int16_t right[32];
    simde_mm512_storeu_si512(left, a);
    simde_mm512_storeu_si512(right, b);
    __mmask32 mask = 0;
    for (unsigned lane = 0; lane < 32; ++lane) {
        mask |= static_cast<__mmask32>(left[lane] > right[lane]) << lane;
    }
    return mask;
}
#define _mm512_cmpgt_epi16_mask splinecode_cmpgt_epi16_mask

inline __m512i splinecode_maskz_loadu_epi64(__mmask8 mask, const void* p) {
    uint64_t words[8] = {};
    for (unsigned lane = 0; lane < 8; ++lane) {
        if (mask >> lane & 1) {
            words[lane] = static_cast<const uint64_t*>(p)[lane];
        }
    }
    return simde_mm512_loadu_si512(words);
}
#define _mm512_maskz_loadu_epi64 splinecode_maskz_loadu_epi64

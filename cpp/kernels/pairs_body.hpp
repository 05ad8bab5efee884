#pragma once

// Distances of many single pairs, over the lanes of a level.
//
// Floor: memory bandwidth (27.8 GB/s on two Zen 3 cores); from the first cache some 60 GB/s a core.

namespace splinecode::SPLINECODE_LEVEL {

inline int32_t hamming_masked(const uint64_t* a, const uint64_t* b, const uint64_t* mask,
                              size_t words) {
    const Sum zero = widen(no_counts());
    Sum total = zero;
    size_t word = 0;
    for (; word + words_per_vector <= words; word += words_per_vector) {
        const Words chosen = load(mask + word);
        const Counts counts =
            count_differences(both(load(a + word), chosen), both(load(b + word), chosen));
        total = add_sums(total, widen(counts));
    }
    if (word < words) {
        const size_t left = words - word;
        const Words chosen = load_first(mask + word, left);
        const Counts counts = count_differences(both(load_first(a + word, left), chosen),
                                                both(load_first(b + word, left), chosen));
        total = add_sums(total, widen(counts));
    }
    int32_t out[4];
    store4(out, total, zero, zero, zero);
    return out[0];
}

/// Codes of fewer words are counted word by word: vectors would spend their time on the sum.
constexpr size_t short_words = 2 * words_per_vector;

inline int32_t hamming_short(const uint64_t* a, const uint64_t* b, const uint64_t* mask,
                             size_t words) {
    int32_t sum = 0;
    for (size_t i = 0; i < words; ++i) {
        const uint64_t differing = (a[i] ^ b[i]) & (mask ? mask[i] : ~uint64_t{0});
        sum += __builtin_popcountll(differing);
    }
    return sum;
}

inline void hamming_pairs(const PairRows& rows, size_t n_rows, size_t words, int32_t* out,
                          size_t out_stride) {
    PairRows at = rows;
    for (size_t i = 0; i < n_rows; ++i) {
        out[i * out_stride] = words < short_words ? hamming_short(at.a, at.b, at.mask, words)
                              : at.mask           ? hamming_masked(at.a, at.b, at.mask, words)
                                                  : hamming_distance(at.a, at.b, words);
        at.a += at.a_stride;
        at.b += at.b_stride;
        at.mask += at.mask ? at.mask_stride : 0;
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

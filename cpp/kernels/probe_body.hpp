#pragma once

// What the probe times: loops that do one thing to bytes that the caller has put into a cache. Each
// returns a value that depends on all of the work, so that none of it can be left out.

namespace splinecode::SPLINECODE_LEVEL {

/// Reads `words` words (a multiple of 8 vectors) `rounds` times.
inline uint64_t probe_read(const uint64_t* p, size_t words, size_t rounds) {
    constexpr size_t step = words_per_vector;
    constexpr size_t chains = 8;  // so that no chain of operations waits for its last
    Words seen[chains];
    for (size_t c = 0; c < chains; ++c) {
        seen[c] = load(p + c * step);
    }
    for (size_t round = 0; round < rounds; ++round) {
        for (size_t i = 0; i + chains * step <= words; i += chains * step) {
            for (size_t c = 0; c < chains; ++c) {
                seen[c] = differences(seen[c], load(p + i + c * step));
            }
        }
        __asm__ volatile("" ::: "memory");  // read again in the next round
    }
    Counts all = no_counts();
    for (size_t c = 0; c < chains; ++c) {
        all = add(all, count_differences(seen[c], load(p)));
    }
    return total(widen(all));
}

/// Counts the bits in which each vector of `words` words differs from one held in a register.
inline uint64_t probe_popcount(const uint64_t* p, size_t words, size_t rounds) {
    constexpr size_t step = words_per_vector;
    constexpr size_t block = 8;  // at most counts_limit, and 8 * 8 fits a byte
    const Words query = load(p);
    Sum sum = widen(no_counts());
    for (size_t round = 0; round < rounds; ++round) {
        for (size_t i = 0; i + block * step <= words; i += block * step) {
            Counts counts = no_counts();
            for (size_t c = 0; c < block; ++c) {
                counts = add(counts, count_differences(query, load(p + i + c * step)));
            }
            sum = add_sums(sum, widen(counts));
        }
        __asm__ volatile("" ::: "memory");
    }
    return total(sum);
}

/// Looks up the bytes of 8 vectors in 16-entry tables held in registers, `rounds` times.
inline uint64_t probe_shuffle(const uint64_t* p, size_t rounds) {
    constexpr size_t chains = 8;
    Words index[chains];
    for (size_t c = 0; c < chains; ++c) {
        index[c] = load(p + c * words_per_vector);
    }
    const Words table = index[0];
    for (size_t round = 0; round < rounds; ++round) {
        for (size_t c = 0; c < chains; ++c) {
            index[c] = look_up(table, index[c]);
        }
    }
    Counts all = no_counts();
    for (size_t c = 0; c < chains; ++c) {
        all = add(all, count_differences(index[c], table));
    }
    return total(widen(all));
}

}  // namespace splinecode::SPLINECODE_LEVEL

#pragma once

// Hamming distances of a tile of queries against a tile of rows, over the lanes of a level.
//
// Floor: the population counts. Both tiles sit in the first or second cache; each step loads one
// vector of the query and four of the rows for four counts, and four totals are stored at once.

namespace splinecode::SPLINECODE_LEVEL {

inline int32_t hamming_distance(const uint64_t* a, const uint64_t* b, size_t words) {
    const Sum zero = widen(no_counts());
    Sum total = zero;
    size_t word = 0;
    for (; word + words_per_vector <= words; word += words_per_vector) {
        total = add_sums(total, widen(count_differences(load(a + word), load(b + word))));
    }
    if (word < words) {
        const size_t left = words - word;
        const Counts counts =
            count_differences(load_first(a + word, left), load_first(b + word, left));
        total = add_sums(total, widen(counts));
    }
    int32_t out[4];
    store4(out, total, zero, zero, zero);
    return out[0];
}

struct FourSums {
    Sum sum[4];
};

/// Distances of one query to the four rows at `rows`, as sums still spread over lanes.
inline FourSums four_distances(const uint64_t* query, const uint64_t* const (&rows)[4],
                               size_t words) {
    FourSums total;
    for (Sum& sum : total.sum) {
        sum = widen(no_counts());
    }
    size_t word = 0;
    while (word < words) {
        Counts counts[4] = {no_counts(), no_counts(), no_counts(), no_counts()};
        size_t steps = 0;
        for (; steps < counts_limit && word + words_per_vector <= words; ++steps) {
            const Words q = load(query + word);
            for (size_t r = 0; r < 4; ++r) {
                counts[r] = add(counts[r], count_differences(q, load(rows[r] + word)));
            }
            word += words_per_vector;
        }
        if (steps < counts_limit && word < words) {
            const Words q = load_first(query + word, words - word);
            for (size_t r = 0; r < 4; ++r) {
                const Words x = load_first(rows[r] + word, words - word);
                counts[r] = add(counts[r], count_differences(q, x));
            }
            word = words;
        }
        for (size_t r = 0; r < 4; ++r) {
            total.sum[r] = add_sums(total.sum[r], widen(counts[r]));
        }
    }
    return total;
}

inline void hamming_tile(const uint64_t* queries, size_t n_queries, size_t query_stride,
                         const uint64_t* rows, size_t n_rows, size_t row_stride, size_t words,
                         int32_t* out, size_t out_stride) {
    for (size_t j = 0; j < n_rows; j += 4) {
        // A last group of fewer than four repeats its last row and stores only what is wanted.
        const size_t last = n_rows - 1;
        const uint64_t* const group[4] = {rows + j * row_stride,
                                          rows + (j + 1 < last ? j + 1 : last) * row_stride,
                                          rows + (j + 2 < last ? j + 2 : last) * row_stride,
                                          rows + (j + 3 < last ? j + 3 : last) * row_stride};
        for (size_t i = 0; i < n_queries; ++i) {
            const FourSums d = four_distances(queries + i * query_stride, group, words);
            int32_t* const to = out + i * out_stride + j;
            if (j + 4 <= n_rows) {
                store4(to, d.sum[0], d.sum[1], d.sum[2], d.sum[3]);
            } else {
                int32_t four[4];
                store4(four, d.sum[0], d.sum[1], d.sum[2], d.sum[3]);
                for (size_t r = 0; j + r < n_rows; ++r) {
                    to[r] = four[r];
                }
            }
        }
    }
}

/// Chunks of 16 are tested whole, which compilers turn into vector compares at every level.
inline size_t find_at_most(const int32_t* values, size_t begin, size_t n, int32_t bound) {
    size_t i = begin;
    for (; i + 16 <= n; i += 16) {
        int32_t found = 0;
        for (size_t j = 0; j < 16; ++j) {
            found |= values[i + j] <= bound ? 1 : 0;
        }
        if (found) {
            break;
        }
    }
    while (i < n && values[i] > bound) {
        ++i;
    }
    return i;
}

}  // namespace splinecode::SPLINECODE_LEVEL

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
    Sum a, b, c, d;
};

/// Distances of one query to four rows, as sums still spread over lanes. Named accumulators, not an
/// array: gcc 12 copies an array of vectors between registers in every step.
inline FourSums four_distances(const uint64_t* query, const uint64_t* row_a, const uint64_t* row_b,
                               const uint64_t* row_c, const uint64_t* row_d, size_t words) {
    const Sum zero = widen(no_counts());
    FourSums sum{zero, zero, zero, zero};
    size_t word = 0;
    do {
        const size_t whole = (words - word) / words_per_vector;
        const size_t steps = whole < counts_limit ? whole : counts_limit;
        const size_t end = word + steps * words_per_vector;
        Counts a = no_counts();
        Counts b = a;
        Counts c = a;
        Counts d = a;
        for (; word < end; word += words_per_vector) {
            const Words q = load(query + word);
            a = add(a, count_differences(q, load(row_a + word)));
            b = add(b, count_differences(q, load(row_b + word)));
            c = add(c, count_differences(q, load(row_c + word)));
            d = add(d, count_differences(q, load(row_d + word)));
        }
        if (const size_t left = words - word; steps < counts_limit && left > 0) {
            const Words q = load_first(query + word, left);
            a = add(a, count_differences(q, load_first(row_a + word, left)));
            b = add(b, count_differences(q, load_first(row_b + word, left)));
            c = add(c, count_differences(q, load_first(row_c + word, left)));
            d = add(d, count_differences(q, load_first(row_d + word, left)));
            word = words;
        }
        sum.a = add_sums(sum.a, widen(a));
        sum.b = add_sums(sum.b, widen(b));
        sum.c = add_sums(sum.c, widen(c));
        sum.d = add_sums(sum.d, widen(d));
    } while (word < words);
    return sum;
}

/// Distance of two wide codes, the second read in order while `next`, of as many words, is fetched.
inline int32_t streamed_distance(const uint64_t* query, const uint64_t* row, const uint64_t* next,
                                 size_t words) {
    constexpr size_t together = 2 * counts_limit * words_per_vector;
    const Sum zero = widen(no_counts());
    Sum total = zero;
    size_t word = 0;
    while (word + 2 * words_per_vector <= words) {
        const size_t end = words - word < together ? words : word + together;
        Counts a = no_counts();
        Counts b = a;
        for (; word + 2 * words_per_vector <= end; word += 2 * words_per_vector) {
            const size_t second = word + words_per_vector;
            __builtin_prefetch(next + word);
            a = add(a, count_differences(load(query + word), load(row + word)));
            b = add(b, count_differences(load(query + second), load(row + second)));
        }
        total = add_sums(total, add_sums(widen(a), widen(b)));
    }
    int32_t out[4];
    store4(out, total, zero, zero, zero);
    return out[0] + hamming_distance(query + word, row + word, words - word);
}

inline void hamming_tile(const uint64_t* queries, size_t n_queries, ptrdiff_t query_stride,
                         const uint64_t* rows, size_t n_rows, ptrdiff_t row_stride, size_t words,
                         int32_t* out, size_t out_stride) {
    // One query reads rows as fast as memory gives them: wide ones in order, not four at a time.
    constexpr size_t wide_words = 48;
    if (n_queries == 1 && words >= wide_words) {
        for (size_t j = 0; j < n_rows; ++j) {
            const uint64_t* const row = rows + static_cast<ptrdiff_t>(j) * row_stride;
            const uint64_t* const next = j + 1 < n_rows ? row + row_stride : row;
            out[j] = streamed_distance(queries, row, next, words);
        }
        return;
    }
    for (size_t j = 0; j < n_rows; j += 4) {
        // A last group of fewer than four repeats its last row and stores only what is wanted.
        const size_t last = n_rows - 1;
        const auto row = [&](size_t r) {
            return rows + static_cast<ptrdiff_t>(r < last ? r : last) * row_stride;
        };
        const uint64_t* const row_a = row(j);
        const uint64_t* const row_b = row(j + 1);
        const uint64_t* const row_c = row(j + 2);
        const uint64_t* const row_d = row(j + 3);
        for (size_t i = 0; i < n_queries; ++i) {
            const uint64_t* const query = queries + static_cast<ptrdiff_t>(i) * query_stride;
            const FourSums sum = four_distances(query, row_a, row_b, row_c, row_d, words);
            int32_t* const to = out + i * out_stride + j;
            if (j + 4 <= n_rows) {
                store4(to, sum.a, sum.b, sum.c, sum.d);
            } else {
                int32_t four[4];
                store4(four, sum.a, sum.b, sum.c, sum.d);
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

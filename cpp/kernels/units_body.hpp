#pragma once

// Codes seen by unit: in how many rows a bit is set, and transposition. Plain loops over words:
// compilers turn them into the vectors of a level.
//
// Counting keeps one number a unit in bit slices: plane k holds bit k of the counts of 64 units a
// word. Eight rows enter by seven full adders of five operations, so that a vector of 32 bytes
// costs some six operations: memory bandwidth is the floor. Numbers of eight planes are added to
// numbers of sixteen before they can overflow, and only those are written out as integers.

#include "../bit_transpose.hpp"

namespace splinecode::SPLINECODE_LEVEL {

/// Words of a row that are counted together, at most: 24 planes of 8 KiB lie in the second cache
/// beside eight rows, and longer pieces of rows read faster. Planes are a line more apart, so that
/// the words of a number do not share places of the first cache.
constexpr size_t plane_words = 1024;
constexpr size_t line_words = 8;
using Plane = uint64_t[plane_words + line_words];

struct CarrySum {
    uint64_t carry, sum;
};

inline CarrySum full_add(uint64_t a, uint64_t b, uint64_t c) {
    const uint64_t differing = a ^ b;
    return {(a & b) | (differing & c), differing ^ c};
}

/// Adds words [begin, end) of eight rows to numbers of eight planes.
inline void add_eight(const uint64_t* const* rows, size_t begin, size_t end,
                      Plane* __restrict planes) {
    const uint64_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    const uint64_t *e = rows[4], *f = rows[5], *g = rows[6], *h = rows[7];
    for (size_t w = begin; w < end; ++w) {
        const CarrySum ab = full_add(planes[0][w], a[w], b[w]);
        const CarrySum cd = full_add(ab.sum, c[w], d[w]);
        const CarrySum ef = full_add(cd.sum, e[w], f[w]);
        const CarrySum gh = full_add(ef.sum, g[w], h[w]);
        const CarrySum abcd = full_add(planes[1][w], ab.carry, cd.carry);
        const CarrySum efgh = full_add(abcd.sum, ef.carry, gh.carry);
        const CarrySum all = full_add(planes[2][w], abcd.carry, efgh.carry);
        planes[0][w] = gh.sum;
        planes[1][w] = efgh.sum;
        planes[2][w] = all.sum;
        uint64_t carry = all.carry;
        for (size_t k = 3; k < 8; ++k) {
            const uint64_t next = planes[k][w] & carry;
            planes[k][w] ^= carry;
            carry = next;
        }
    }
}

/// Adds numbers of eight planes to numbers of sixteen.
inline void add_planes(const Plane* __restrict planes, size_t words, Plane* __restrict totals) {
    for (size_t w = 0; w < words; ++w) {
        uint64_t carry = 0;
        for (size_t k = 0; k < 8; ++k) {
            const CarrySum sum = full_add(totals[k][w], planes[k][w], carry);
            totals[k][w] = sum.sum;
            carry = sum.carry;
        }
        for (size_t k = 8; k < 16; ++k) {
            const uint64_t next = totals[k][w] & carry;
            totals[k][w] ^= carry;
            carry = next;
        }
    }
}

/// Fetches rows ahead in the order of memory, a few lines at a time. The eight rows that are added
/// at once are eight streams, which the processor's own prefetching does not follow: without this
/// a core reads at half its bandwidth.
class Ahead {
public:
    Ahead(const uint64_t* rows, size_t n_rows, ptrdiff_t stride, size_t words)
        : row_(rows), left_(n_rows), stride_(stride), words_(words) {}

    void skip_rows(size_t n) {
        left_ = n < left_ ? left_ - n : 0;
        row_ += left_ > 0 ? static_cast<ptrdiff_t>(n) * stride_ : 0;
    }
    void fetch_lines(size_t n) {
        for (; n > 0 && left_ > 0; --n) {
            __builtin_prefetch(row_ + word_);
            word_ += line_words;
            if (word_ >= words_) {
                word_ = 0;
                skip_rows(1);
            }
        }
    }

private:
    const uint64_t* row_;
    size_t left_;
    ptrdiff_t stride_;
    size_t words_;
    size_t word_ = 0;
};

inline void clear(Plane* planes, size_t n, size_t words) {
    for (size_t k = 0; k < n; ++k) {
        for (size_t w = 0; w < words; ++w) {
            planes[k][w] = 0;
        }
    }
}

/// Sets numbers of eight planes to the column counts of at most 255 rows.
inline void slice_counts(const uint64_t* rows, size_t n_rows, ptrdiff_t stride, size_t words,
                         Plane* planes) {
    const Plane none{};
    clear(planes, 8, words);
    Ahead ahead(rows, n_rows, stride, words);
    ahead.skip_rows(8);
    for (size_t first = 0; first < n_rows; first += 8) {
        const uint64_t* eight[8];
        for (size_t i = 0; i < 8; ++i) {
            const size_t row = first + i;
            eight[i] = row < n_rows ? rows + static_cast<ptrdiff_t>(row) * stride : none;
        }
        for (size_t w = 0; w < words; w += line_words) {
            ahead.fetch_lines(8);
            add_eight(eight, w, words - w < line_words ? words : w + line_words, planes);
        }
    }
}

/// counts[64 * w + j] += the number whose bit k is bit j of planes[k][w].
inline void add_to_counts(const Plane* planes, size_t words, int64_t* counts) {
    for (size_t w = 0; w < words; ++w) {
        uint64_t numbers[64] = {};
        for (size_t k = 0; k < 16; ++k) {
            numbers[k] = planes[k][w];
        }
        transpose64(numbers);
        for (size_t j = 0; j < 64; ++j) {
            counts[64 * w + j] += static_cast<int64_t>(numbers[j]);
        }
    }
}

/// Words of each of the fewest pieces that a row of `words` is cut into: whole lines.
inline size_t piece_words(size_t words) {
    const size_t pieces = (words + plane_words - 1) / plane_words;
    return pieces > 1 ? (words / pieces + line_words) / line_words * line_words : words;
}

inline void column_counts(const uint64_t* rows, size_t n_rows, ptrdiff_t stride, size_t words,
                          int64_t* counts) {
    constexpr size_t most_rows = 248;  // a multiple of 8 that eight planes can count
    const size_t piece = piece_words(words);
    Plane planes[8];
    Plane totals[16];
    for (size_t first = 0; first < words; first += piece) {
        const size_t width = words - first < piece ? words - first : piece;
        clear(totals, 16, width);
        for (size_t row = 0; row < n_rows; row += most_rows) {
            const size_t n = n_rows - row < most_rows ? n_rows - row : most_rows;
            slice_counts(rows + static_cast<ptrdiff_t>(row) * stride + first, n, stride, width,
                         planes);
            add_planes(planes, width, totals);
        }
        add_to_counts(totals, width, counts + 64 * first);
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

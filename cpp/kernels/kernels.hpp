#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lookup_shape.hpp"
#include "nibble_shape.hpp"

/// The table of inner loops that exist once per instruction-set level. The loops are written once,
/// in *_body.hpp over the lanes of a level (lanes_*.hpp), and compiled once per level, each in a
/// file of its own with that level's flags. Those files include no C++ standard header: an inline
/// function compiled there could replace the baseline's copy at link time and crash older machines.
namespace splinecode {

/// Rows of `a` and `b`, and of `mask` unless null: only units set there count. Strides count words.
struct PairRows {
    const uint64_t* a;
    ptrdiff_t a_stride;
    const uint64_t* b;
    ptrdiff_t b_stride;
    const uint64_t* mask;
    ptrdiff_t mask_stride;
};

struct Kernels {
    const char* name;

    /// One row: bit j = z[j] > threshold, pad bits zero, NaN gives 0. Nonzero if a NaN was seen.
    uint64_t (*pack_float64)(const double* z, size_t n, double threshold, uint64_t* words);
    uint64_t (*pack_float32)(const float* z, size_t n, float threshold, uint64_t* words);
    /// 16-bit floats by their own bits: `key` is the threshold's ordered_key, `infinity` the bits
    /// of the format's +infinity.
    uint64_t (*pack_half)(const uint16_t* z, size_t n, int16_t key, uint16_t infinity,
                          uint64_t* words);
    void (*pack_bool)(const uint8_t* z, size_t n, uint64_t* words);

    /// Transposes squares of 64 x 64 bits: words[i * squares + s] is row i of square s, and bit j
    /// of row i changes places with bit i of row j.
    void (*transpose_bits)(uint64_t* words, size_t squares);

    /// Hamming distance of two codes.
    int32_t (*hamming_distance)(const uint64_t* a, const uint64_t* b, size_t words);

    /// out[i * out_stride + j] = Hamming distance of query i and row j. Strides count elements.
    void (*hamming_tile)(const uint64_t* queries, size_t n_queries, ptrdiff_t query_stride,
                         const uint64_t* rows, size_t n_rows, ptrdiff_t row_stride, size_t words,
                         int32_t* out, size_t out_stride);

    /// The look-up tables of a block of queries (lookup_body.hpp), a chunk of bit positions at a
    /// time. `lookup_vector_bytes` is the width whose order of queries the columns must be in.
    size_t lookup_vector_bytes;
    void (*build_tables)(const uint64_t* columns, size_t groups, size_t queries, uint8_t* tables);
    void (*add_lookups)(const LookupChunk& chunk);

    /// In a tile of distances[row * lookup::block + query]: the next row with a distance below its
    /// query's limit, with the queries as bits of `lanes`; counts[q] += rows (at most 65,535) below
    /// query q's limit. Entries of `limits` past `queries` are 0.
    size_t (*next_below)(const uint16_t* distances, size_t begin, size_t end,
                         const uint16_t* limits, size_t queries, uint64_t* lanes);
    /// The same where distance + |query_rest - row_rest| is below the limit.
    size_t (*next_bounded)(const BoundedTile& tile, size_t begin, const uint16_t* limits,
                           uint64_t* lanes);
    void (*count_below)(const uint16_t* distances, size_t rows, const uint16_t* limits,
                        size_t queries, uint16_t* counts);

    /// The least i in [begin, n) with values[i] <= bound, or n.
    size_t (*find_at_most)(const int32_t* values, size_t begin, size_t n, int32_t bound);

    /// Distances by nibbles (nibble_body.hpp) of nibbles::group rows, laid out as
    /// nibbles::Layout{lookup_vector_bytes / 8} says: turns the rows; writes to, or adds to, the
    /// distances of two queries those within at most nibbles::most_steps steps. `nibbles_pay` tells
    /// whether they beat counting pair by pair.
    bool nibbles_pay;
    void (*turn_nibbles)(const uint64_t* rows, ptrdiff_t stride, size_t words, uint8_t* to);
    void (*add_nibbles)(const uint8_t* tables, const uint8_t* rows, size_t steps, bool add,
                        uint16_t* first, uint16_t* second);

    /// The least i in [begin, n) with values[i] < limit, or n.
    size_t (*find_below)(const uint16_t* values, size_t begin, size_t n, uint16_t limit);

    /// out[i * out_stride] = Hamming distance of pair i.
    void (*hamming_pairs)(const PairRows& rows, size_t n_rows, size_t words, int32_t* out,
                          size_t out_stride);

    /// into |= row ^ reference and into &= row ^ reference for each row, word by word; `into`
    /// overlaps nothing.
    void (*or_differences)(const uint64_t* rows, size_t n_rows, ptrdiff_t stride,
                           const uint64_t* reference, size_t words, uint64_t* into);
    void (*and_differences)(const uint64_t* rows, size_t n_rows, ptrdiff_t stride,
                            const uint64_t* reference, size_t words, uint64_t* into);

    /// counts[64 * w + j] += in how many of the rows (at most 65,535) bit j of word w is set.
    void (*column_counts)(const uint64_t* rows, size_t n_rows, ptrdiff_t stride, size_t words,
                          int64_t* counts);

    /// Transposes eight blocks of 64 x 64 bits in place: row i of block b is rows[8 * i + b].
    void (*transpose_eight)(uint64_t* rows);

    /// One row: bit j of positive = z[j] > tolerance[j], of negative = z[j] < -tolerance[j].
    void (*classify)(const double* z, const double* tolerance, size_t n, uint64_t* positive,
                     uint64_t* negative);

    /// Whether any |z[j]| <= bound[j] (or either is NaN), entries with bound[j] == 0 left out.
    bool (*any_within)(const double* z, const double* bound, size_t n);

    /// out[j] = x > 0 ? x : slope * x for x = left[j] + weight * (right[j] - left[j]).
    void (*interpolate_relu)(const double* left, const double* right, double weight, double slope,
                             size_t n, double* out);

    /// Sum of squares and largest absolute value of a row.
    void (*row_size)(const double* values, size_t n, double* sum_of_squares, double* largest);

    /// out[r * stride + j] += sum over i < n of a[products::rows * i + r] * b[panel * index[i] +
    /// j], r < rows <= products::rows, j < columns <= products::panel: b is a panel of a matrix.
    /// `index` has products::ahead more entries, which name any rows of it.
    void (*multiply_panel)(const double* a, const int32_t* index, size_t n, const double* b,
                           double* out, size_t stride, size_t rows, size_t columns);

    /// Gathers a[products::rows * i + r] = rows[r][columns[i]] for the i where any is not zero,
    /// with index[i] in `kept`, and returns how many those are.
    size_t (*pack_nonzero)(const double* const* rows, size_t n_rows, const int32_t* columns,
                           const int32_t* index, size_t n, double* a, int32_t* kept);

    /// out[j] = left[j] + weight * (right[j] - left[j]), or += that.
    void (*put_between)(const double* left, const double* right, double weight, size_t n,
                        double* out);
    void (*add_between)(const double* left, const double* right, double weight, size_t n,
                        double* out);

    /// What probe.hpp times: reads of, and bit differences from one vector to, `words` words (a
    /// multiple of 64) `rounds` times over; 8 vectors looked up in byte tables `rounds` times.
    uint64_t (*probe_read)(const uint64_t* p, size_t words, size_t rounds);
    uint64_t (*probe_popcount)(const uint64_t* p, size_t words, size_t rounds);
    uint64_t (*probe_shuffle)(const uint64_t* p, size_t rounds);
    size_t words_per_vector;
};

extern const Kernels scalar_kernels;
#if defined(SPLINECODE_X86)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif
#if defined(SPLINECODE_NEON)
extern const Kernels neon_kernels;
#endif

}  // namespace splinecode

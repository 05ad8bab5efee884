#pragma once

#include <stddef.h>
#include <stdint.h>

/// The table of inner loops that exist once per instruction-set level. The loops are written once,
/// in *_body.hpp over the lanes of a level (lanes_*.hpp), and compiled once per level, each in a
/// file of its own with that level's flags. Those files include no C++ standard header: an inline
/// function compiled there could replace the baseline's copy at link time and crash older machines.
namespace splinecode {

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

    /// Hamming distance of two codes.
    int32_t (*hamming_distance)(const uint64_t* a, const uint64_t* b, size_t words);

    /// out[i * out_stride + j] = Hamming distance of query i and row j. Strides count elements.
    void (*hamming_tile)(const uint64_t* queries, size_t n_queries, ptrdiff_t query_stride,
                         const uint64_t* rows, size_t n_rows, ptrdiff_t row_stride, size_t words,
                         int32_t* out, size_t out_stride);

    /// The least i in [begin, n) with values[i] <= bound, or n.
    size_t (*find_at_most)(const int32_t* values, size_t begin, size_t n, int32_t bound);

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

#pragma once

// Matrix products of an exact sweep. Every element is one chain of fused multiply-adds in the order
// of the terms, so that every level rounds alike.

namespace splinecode::SPLINECODE_LEVEL {

template <size_t rows>
inline void multiply_tile(const double* a, const int32_t* index, size_t n, const double* b,
                          double* out, size_t stride) {
    Doubles sums[rows][tile_vectors];
    for (size_t r = 0; r < rows; ++r) {
        for (size_t v = 0; v < tile_vectors; ++v) {
            sums[r][v] = spread(0);
        }
    }
    for (size_t i = 0; i < n; ++i) {
        const double* row = b + products::panel * static_cast<size_t>(index[i]);
        // Rows are skipped without a pattern that the processor would foresee.
        const double* soon = b + products::panel * static_cast<size_t>(index[i + products::ahead]);
        __builtin_prefetch(soon);
        __builtin_prefetch(soon + products::panel / 2);
        Doubles columns[tile_vectors];
        for (size_t v = 0; v < tile_vectors; ++v) {
            columns[v] = load_doubles(row + v * doubles_per_vector);
        }
        for (size_t r = 0; r < rows; ++r) {
            const Doubles factor = spread(a[products::rows * i + r]);
            for (size_t v = 0; v < tile_vectors; ++v) {
                sums[r][v] = fused(factor, columns[v], sums[r][v]);
            }
        }
    }
    for (size_t r = 0; r < rows; ++r) {
        for (size_t v = 0; v < tile_vectors; ++v) {
            double* to = out + r * stride + v * doubles_per_vector;
            store_doubles(to, add_doubles(load_doubles(to), sums[r][v]));
        }
    }
}

/// As many tiles of `tile` rows as there are, then the rest by smaller ones.
template <size_t tile>
inline void multiply_rows(const double* a, const int32_t* index, size_t n, const double* b,
                          double* out, size_t stride, size_t rows) {
    for (; rows >= tile; rows -= tile, a += tile, out += tile * stride) {
        multiply_tile<tile>(a, index, n, b, out, stride);
    }
    if constexpr (tile > 1) {
        if (rows > 0) {
            multiply_rows<tile / 2>(a, index, n, b, out, stride, rows);
        }
    }
}

inline void multiply_panel(const double* a, const int32_t* index, size_t n, const double* b,
                           double* out, size_t stride, size_t rows, size_t columns) {
    constexpr size_t width = tile_vectors * doubles_per_vector;
    double rest[products::rows * width];
    for (size_t j = 0; j < columns; j += width) {
        const size_t here = columns - j < width ? columns - j : width;
        if (here == width) {
            multiply_rows<tile_rows>(a, index, n, b + j, out + j, stride, rows);
            continue;
        }
        for (size_t r = 0; r < rows; ++r) {
            for (size_t c = 0; c < width; ++c) {
                rest[r * width + c] = c < here ? out[r * stride + j + c] : 0;
            }
        }
        multiply_rows<tile_rows>(a, index, n, b + j, rest, width, rows);
        for (size_t r = 0; r < rows; ++r) {
            for (size_t c = 0; c < here; ++c) {
                out[r * stride + j + c] = rest[r * width + c];
            }
        }
    }
}

template <size_t n_rows>
inline size_t pack_rows(const double* const* rows, const int32_t* columns, const int32_t* index,
                        size_t n, double* a, int32_t* kept) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) {
        double* to = a + products::rows * count;
        uint64_t any = 0;
        for (size_t r = 0; r < n_rows; ++r) {
            const double x = rows[r][columns[i]];
            to[r] = x;
            uint64_t bits = 0;
            __builtin_memcpy(&bits, &x, sizeof bits);
            any |= bits << 1;  // a zero of either sign
        }
        kept[count] = index[i];
        count += static_cast<size_t>(any != 0);
    }
    return count;
}

inline size_t pack_nonzero(const double* const* rows, size_t n_rows, const int32_t* columns,
                           const int32_t* index, size_t n, double* a, int32_t* kept) {
    using Pack =
        size_t (*)(const double* const*, const int32_t*, const int32_t*, size_t, double*, int32_t*);
    static constexpr Pack by_rows[products::rows] = {
        pack_rows<1>, pack_rows<2>, pack_rows<3>, pack_rows<4>,
        pack_rows<5>, pack_rows<6>, pack_rows<7>, pack_rows<8>,
    };
    return by_rows[n_rows - 1](rows, columns, index, n, a, kept);
}

inline void add_between(const double* left, const double* right, double weight, size_t n,
                        double* out) {
    for (size_t j = 0; j < n; ++j) {
        out[j] += left[j] + weight * (right[j] - left[j]);
    }
}

inline void put_between(const double* left, const double* right, double weight, size_t n,
                        double* out) {
    for (size_t j = 0; j < n; ++j) {
        out[j] = left[j] + weight * (right[j] - left[j]);
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

#pragma once

// The two passes over the values of a layer that an exact sweep makes: signs of every unit at every
// knot (one read), and the layer's outputs at old and new knots (one read, one write).

namespace splinecode::SPLINECODE_LEVEL {

inline void classify(const double* z, const double* tolerance, size_t n, uint64_t* positive,
                     uint64_t* negative) {
    size_t i = 0;
    for (; n >= 64; n -= 64, z += 64, tolerance += 64, ++i) {
        classify64(z, tolerance, positive[i], negative[i]);
    }
    if (n > 0) {
        double values[64] = {};
        double limits[64] = {};
        for (size_t j = 0; j < n; ++j) {
            values[j] = z[j];
            limits[j] = tolerance[j];
        }
        classify64(values, limits, positive[i], negative[i]);
    }
}

inline bool any_within(const double* z, const double* bound, size_t n) {
    // Integers, not a bool: compilers turn this into vector compares.
    int found = 0;
    for (size_t j = 0; j < n; ++j) {
        const double size = z[j] < 0 ? -z[j] : z[j];
        found |= static_cast<int>(!(size > bound[j])) & static_cast<int>(bound[j] != 0);
    }
    return found != 0;
}

inline void interpolate_relu(const double* left, const double* right, double weight, double slope,
                             size_t n, double* out) {
    for (size_t j = 0; j < n; ++j) {
        const double x = left[j] + weight * (right[j] - left[j]);
        out[j] = x > 0 ? x : slope * x + 0.0;  // + 0.0 turns -0.0 into 0.0
    }
}

/// Eight partial sums in a fixed order, so that every level rounds alike. Vector extensions of the
/// compiler, since gcc 12 leaves the plain loop scalar.
inline void row_size(const double* values, size_t n, double* sum_of_squares, double* largest) {
    using Lanes = double __attribute__((vector_size(32)));
    using Unaligned = double __attribute__((vector_size(32), aligned(8), may_alias));
    Lanes sums[2] = {};
    Lanes most[2] = {};
    const auto take = [&](size_t half, Lanes x) {
        const Lanes size = x < 0 ? -x : x;
        sums[half] += x * x;
        most[half] = size > most[half] ? size : most[half];
    };
    for (; n >= 8; n -= 8, values += 8) {
        take(0, *reinterpret_cast<const Unaligned*>(values));
        take(1, *reinterpret_cast<const Unaligned*>(values + 4));
    }
    Lanes rest[2] = {};
    for (size_t j = 0; j < n; ++j) {
        rest[j / 4][j % 4] = values[j];
    }
    take(0, rest[0]);
    take(1, rest[1]);
    *sum_of_squares = 0;
    *largest = 0;
    for (size_t lane = 0; lane < 8; ++lane) {
        *sum_of_squares += sums[lane / 4][lane % 4];
        const double size = most[lane / 4][lane % 4];
        *largest = size > *largest ? size : *largest;
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

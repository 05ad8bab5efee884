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

inline void interpolate_relu(const double* left, const double* right, double weight, double slope,
                             size_t n, double* out) {
    for (size_t j = 0; j < n; ++j) {
        const double x = left[j] + weight * (right[j] - left[j]);
        out[j] = x > 0 ? x : slope * x + 0.0;  // + 0.0 turns -0.0 into 0.0
    }
}

/// Eight partial sums in a fixed order, so that every level rounds alike.
inline void row_size(const double* values, size_t n, double* sum_of_squares, double* largest) {
    double sums[8] = {};
    double most[8] = {};
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        for (size_t lane = 0; lane < 8; ++lane) {
            const double x = values[j + lane];
            const double size = x < 0 ? -x : x;
            sums[lane] += x * x;
            most[lane] = size > most[lane] ? size : most[lane];
        }
    }
    for (size_t lane = 0; j < n; ++j, ++lane) {
        const double x = values[j];
        const double size = x < 0 ? -x : x;
        sums[lane] += x * x;
        most[lane] = size > most[lane] ? size : most[lane];
    }
    *sum_of_squares = 0;
    *largest = 0;
    for (size_t lane = 0; lane < 8; ++lane) {
        *sum_of_squares += sums[lane];
        *largest = most[lane] > *largest ? most[lane] : *largest;
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

#pragma once

#include <cstdint>

#include "strided.hpp"

/// Places among rising knots. Plain arithmetic, for the CPU's sweep and the GPU's kernels.
namespace splinecode::sweep {

/// The first i of [begin, end) with t[i] >= x, or end. O(log n).
SPLINECODE_HOST_DEVICE inline std::int64_t first_not_below(const double* t, std::int64_t begin,
                                                           std::int64_t end, double x) {
    while (begin < end) {
        const std::int64_t middle = begin + (end - begin) / 2;
        if (t[middle] < x) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

/// A t between two knots: (1 - weight) * knot left + weight * knot left + 1. At a knot, weight is
/// 0.
struct PlaceBetween {
    std::int64_t left;
    double weight;
};

/// The place of x among n > 0 knots t, of which the first is <= x and the last >= x. O(log n).
///
/// Example: of the knots 0, 0.5, 1, the place of 0.75 is {1, 0.5} and that of 1 is {2, 0}.
SPLINECODE_HOST_DEVICE inline PlaceBetween place_between(const double* t, std::int64_t n,
                                                         double x) {
    const std::int64_t next = first_not_below(t, 0, n, x);
    if (next == n || t[next] == x || next == 0) {
        return {next == n ? n - 1 : next, 0};
    }
    return {next - 1, (x - t[next - 1]) / (t[next] - t[next - 1])};
}

/// The value at a weight between two rows' values.
SPLINECODE_HOST_DEVICE inline double value_between(double left, double right, double weight) {
    return left + weight * (right - left);
}

}  // namespace splinecode::sweep

#pragma once

#include <cmath>
#include <cstdint>

#include "strided.hpp"

namespace splinecode::sweep {

/// The Euclidean norm from the sum of squares, or a bound on it where squares left the range.
SPLINECODE_HOST_DEVICE inline double norm_of(double squares, double largest, std::int64_t units) {
    const bool in_range = squares > 1e-280 && squares < 1e300;
    return in_range || std::isnan(squares) ? std::sqrt(squares)
                                           : largest * std::sqrt(static_cast<double>(units));
}

}  // namespace splinecode::sweep

#pragma once

#include <cstdint>

#include "parallel.hpp"

namespace splinecode::slices {

/// The functions of a layer's units, one unit after the other in each row: `count` thresholds,
/// rising, and count + 1 slopes and intercepts from below.
struct PieceRows {
    const double* thresholds;
    const double* slopes;
    const double* intercepts;
    std::int64_t count;
};

/// Applies them to values (rows, units); `out` may be the same array.
void apply_pieces(const double* values, std::int64_t rows, std::int64_t units,
                  const PieceRows& pieces, double* out, const Interrupt& interrupt);

}  // namespace splinecode::slices

#pragma once

#include "sweep/host_device.hpp"

/// What rounding may do to a unit of an affine step.
namespace splinecode::sweep {

constexpr double unit_roundoff = 0x1p-53;

/// Covers the rounding of the bounds themselves.
constexpr double slack = 1.01;

/// The sum and the Euclidean norm of a unit's weights, and its absolute bias.
struct UnitNorms {
    double row1;
    double row2;
    double bias;
};

/// Bounds (bounds.hpp) of what an affine step takes, and what bounds its own rounding: `gamma`
/// times the terms of a sum, and `underflow` where they are not all zero.
struct AffineStep {
    double e2;
    double einf;
    double size2;
    double sizeinf;
    double gamma;
    double steps;  // affine steps on the way, with this one
    double underflow;
};

/// The unit's value is within `bound` of exact arithmetic's; one within `snap` of its boundary is
/// taken to be on it. Its linear part is at most `size`.
struct UnitTolerance {
    double snap;
    double bound;
    double size;
};

SPLINECODE_HOST_DEVICE inline UnitTolerance unit_tolerance(const AffineStep& step,
                                                           const UnitNorms& norms) {
    const double passed = smaller(step.e2 * norms.row2, step.einf * norms.row1);
    const double size = smaller(step.size2 * norms.row2, step.sizeinf * norms.row1);
    double local = step.gamma * (size + norms.bias);
    // Products that underflow; none where everything is zero.
    local += local > 0 ? step.underflow : 0;
    const double bound = slack * passed + local;
    return {smaller(step.steps * local, bound), bound, size};
}

}  // namespace splinecode::sweep

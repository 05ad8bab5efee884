#pragma once

#include <cmath>
#include <cstdint>

#include "sweep/doubt.hpp"
#include "sweep/root.hpp"

/// What a sweep decides about a unit and one of its thresholds, from the pre-activation less the
/// threshold, z, at the knots of its cell.
namespace splinecode::sweep {

/// 1 or -1, or 0 on the boundary, which a NaN is.
SPLINECODE_HOST_DEVICE inline int sign_of(double z, double snap) {
    return z > snap ? 1 : (z < -snap ? -1 : 0);
}

/// Whether a unit is active on the first piece: its signs at the first two knots.
SPLINECODE_HOST_DEVICE inline bool starts_active(int here, int after) {
    return here > 0 || (here == 0 && after > 0);
}

/// Whether a unit is on its boundary at a knot and its bit differs on the two sides.
SPLINECODE_HOST_DEVICE inline bool flips_at_knot(int before, int here, int after) {
    return here == 0 && (before > 0) != (after > 0);
}

/// Whether a unit passes its boundary strictly between two knots.
SPLINECODE_HOST_DEVICE inline bool crosses_between(int here, int after) { return here * after < 0; }

/// Whether rounding may put z on the other side of the boundary; a bound of 0 says it is exact.
SPLINECODE_HOST_DEVICE inline bool is_near(double z, double bound) {
    return bound != 0 && !(std::fabs(z) > bound);
}

/// z at a knot, and at its neighbours where it has them: `gap_` away, 0 where it has none.
struct AtKnot {
    double t;
    double here;
    double before;
    double gap_before;
    double after;
    double gap_after;
};

/// The units of a cell that are near their boundary at the knot t: each may lie on either side as
/// far as it stays near.
struct Ties {
    Range range;
    double shift = 0;          // the largest value that is taken to be 0
    std::int64_t snapped = 0;  // units that such a value has

    SPLINECODE_HOST_DEVICE explicit Ties(double t) : range{t, t} {}

    /// Adds a unit that is near its boundary, and not exactly on it.
    SPLINECODE_HOST_DEVICE void add(const AtKnot& z, double snap, double bound) {
        if (z.here != 0 && std::fabs(z.here) <= snap) {
            ++snapped;
            shift = larger(shift, std::fabs(z.here));
        }
        if (z.gap_before > 0) {
            range.low = smaller(range.low, z.t - reach_of(bound, z.here, z.before, z.gap_before));
        }
        if (z.gap_after > 0) {
            range.high = larger(range.high, z.t + reach_of(bound, z.here, z.after, z.gap_after));
        }
    }

    SPLINECODE_HOST_DEVICE Range ambiguous() const {
        return {range.low - t_rounding, range.high + t_rounding};
    }
};

/// Half width of what is known of a flip at a knot that is known to `knot_error`. With `exact`, z
/// is 0 without rounding: the change is where another unit crossed, which is the knot.
SPLINECODE_HOST_DEVICE inline double flip_error(const AtKnot& z, double bound, bool exact,
                                                double knot_error) {
    const double reach =
        exact ? 0 : doubt_at_knot(bound, z.before, z.gap_before, z.after, z.gap_after);
    return reach + knot_error + t_rounding;
}

/// The root of a unit that is `left` and `right` of its boundary, on opposite sides, and changes
/// `bit`.
SPLINECODE_HOST_DEVICE inline Root crossing_of(const Crossed& at, std::int64_t bit) {
    Root root = root_of(at, at.left / (at.left - at.right));
    root.off = at.left < 0 ? -1 : bit;
    root.on = at.left < 0 ? bit : -1;
    return root;
}

}  // namespace splinecode::sweep

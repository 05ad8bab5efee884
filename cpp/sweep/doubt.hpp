#pragma once

#include <cmath>

#include "sweep/host_device.hpp"

/// How far along t it stays open on which side of 0 a linear function lies.
namespace splinecode::sweep {

/// How far a value that is within `bound` of 0 stays so towards the next knot, `gap` away.
SPLINECODE_HOST_DEVICE inline double reach_of(double bound, double here, double there, double gap) {
    const double change = std::fabs(there - here);
    return change > 2 * bound ? gap * (2 * bound / change) : gap;
}

/// Half width of what is known of a change of sign at a knot, where the deciding value is 0, from
/// the values at its neighbours, `gap_` away. A side where it stays within the bound tells nothing;
/// it is in an ambiguous range.
SPLINECODE_HOST_DEVICE inline double doubt_at_knot(double bound, double before, double gap_before,
                                                   double after, double gap_after) {
    double doubt = 0;
    if (std::fabs(before) > bound) {
        doubt = reach_of(bound, 0, before, gap_before);
    }
    if (std::fabs(after) > bound) {
        doubt = larger(doubt, reach_of(bound, 0, after, gap_after));
    }
    return doubt;
}

}  // namespace splinecode::sweep

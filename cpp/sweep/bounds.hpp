#pragma once

#include <vector>

#include "sweep/bound_rules.hpp"
#include "sweep/program.hpp"
#include "sweep/tolerance.hpp"

/// Rounding bounds of a sweep of one segment.
///
/// The state of a sweep is, for every unit, a piecewise-linear function of t: linear between the
/// knots of its cell, which lie at their float64 numbers exactly. `e2` and `einf` bound, at every t
/// of the segment, how far a step's functions are from those of exact arithmetic: in the Euclidean
/// norm over all units, and for the worst unit. They hold whatever was decided about ties: a kink
/// is Lipschitz, so a unit taken to be on the wrong side of its boundary is off by no more than its
/// value. An affine step passes errors on through norms of its weights and adds the rounding of its
/// own sums, in any order: gamma_n |w| . |h| with gamma_n = n u / (1 - n u) (Higham, Accuracy and
/// Stability of Numerical Algorithms, 2nd ed., section 3.1).
///
/// The bounds are proven, and in deep networks far larger than the error, which tends to grow by
/// the rounding of one step a step: that is `snap`, and what is taken to be a tie.
namespace splinecode::sweep {

/// Of values that are doubles.
constexpr double interpolation = interpolation_of(unit_roundoff);

/// What a unit's value is known to: see above. Empty where all units have einf and snapinf.
struct UnitTolerances {
    std::vector<double> snap;
    std::vector<double> bound;
};

/// The bounds of an affine step other than a sum; fills in `units`. Sizes are bounded by norms: the
/// values themselves tell them better. `sums` is how many partial sums meet in an output at most.
Bounds affine_bounds(const Norms& norms, const Bounds& from, double sums, UnitTolerances& units);
Bounds sum_bounds(const std::vector<Bounds>& from);
Bounds view_bounds(const std::vector<Bounds>& from, double multiplicity);
inline Bounds kink_bounds(const Bounds& from, double steepest, double multiplicity,
                          const KinkErrors& errors) {
    return kink_bounds(from, steepest, multiplicity, errors, unit_roundoff);
}

}  // namespace splinecode::sweep

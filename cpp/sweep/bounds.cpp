#include "sweep/bounds.hpp"

#include <limits>

namespace splinecode::sweep {

Bounds affine_bounds(const Norms& norms, const Bounds& from, double sums, UnitTolerances& units) {
    constexpr Arithmetic arithmetic{unit_roundoff, std::numeric_limits<double>::denorm_min()};
    const double terms = norms.terms + sums;
    const AffineStep step = affine_step(from, terms, arithmetic);
    const std::size_t n = norms.row1.size();
    units.snap.resize(n);
    units.bound.resize(n);
    UnitsTaken taken;
    for (std::size_t j = 0; j < n; ++j) {
        const UnitTolerance unit =
            unit_tolerance(step, {norms.row1[j], norms.row2[j], norms.bias[j]});
        units.bound[j] = unit.bound;
        units.snap[j] = unit.snap;
        taken.take(unit, norms.bias[j]);
    }
    return affine_bounds(step, {norms.operator2, norms.local2, norms.bias2, terms}, taken,
                         static_cast<std::int64_t>(n));
}

Bounds sum_bounds(const std::vector<Bounds>& from) {
    SumOfBounds sum(static_cast<std::int64_t>(from.size()), unit_roundoff);
    for (const Bounds& term : from) {
        sum.take(term);
    }
    return sum.all();
}

Bounds view_bounds(const std::vector<Bounds>& from, double multiplicity) {
    JoinedBounds joined;
    for (const Bounds& part : from) {
        joined.take(part);
    }
    return joined.all(multiplicity);
}

}  // namespace splinecode::sweep

#include "sweep/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace splinecode::sweep {
namespace {

/// Covers the rounding of the bounds themselves.
constexpr double slack = 1.01;
constexpr double least = std::numeric_limits<double>::denorm_min();
/// Operations in a unit besides its products and partial sums: interpolations, differences.
constexpr double other_operations = 48;
/// A value computed from its neighbours' and a few columns has terms up to three times its size.
constexpr double differences = 4;

}  // namespace

Bounds affine_bounds(const Norms& norms, const Bounds& from, double sums, UnitTolerances& units) {
    Bounds to;
    to.steps = from.steps + 1;
    const double operations = norms.terms + sums + other_operations;
    const double gamma = differences * slack * operations * unit_roundoff;
    const std::size_t n = norms.row1.size();
    units.snap.resize(n);
    units.bound.resize(n);
    double squares = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const double passed = std::min(from.e2 * norms.row2[j], from.einf * norms.row1[j]);
        const double size = std::min(from.size2 * norms.row2[j], from.sizeinf * norms.row1[j]);
        double local = gamma * (size + norms.bias[j]);
        // Products that underflow; none where everything is zero.
        local += local > 0 ? 4 * operations * least : 0;
        const double bound = slack * passed + local;
        units.bound[j] = bound;
        units.snap[j] = std::min(to.steps * local, bound);
        to.einf = std::max(to.einf, bound);
        to.snapinf = std::max(to.snapinf, units.snap[j]);
        squares += bound * bound;
        to.sizeinf = std::max(to.sizeinf, slack * (size + norms.bias[j]));
    }
    to.size2 = slack * (norms.operator2 * from.size2 + norms.bias2);
    const double whole = slack * norms.operator2 * from.e2 +
                         gamma * (norms.local2 * from.size2 + norms.bias2) +
                         (from.size2 > 0 ? 4 * operations * least * static_cast<double>(n) : 0);
    to.e2 = std::min(whole, slack * std::sqrt(squares) + least);
    if (to.einf == 0) {
        to.e2 = 0;
    }
    return to;
}

Bounds sum_bounds(const std::vector<Bounds>& from) {
    Bounds to;
    const double gamma =
        slack * unit_roundoff * (other_operations + static_cast<double>(from.size()));
    for (const Bounds& term : from) {
        const double local = gamma * term.sizeinf;
        to.size2 += slack * term.size2;
        to.sizeinf += slack * term.sizeinf;
        to.e2 += slack * (term.e2 + gamma * term.size2);
        to.einf += slack * (term.einf + local);
        to.snapinf += term.snapinf + local;
        to.steps = std::max(to.steps, term.steps);
    }
    to.snapinf = std::min(to.snapinf, to.einf);
    return to;
}

Bounds view_bounds(const std::vector<Bounds>& from, double multiplicity) {
    Bounds to;
    double e2 = 0;
    double size2 = 0;
    for (const Bounds& part : from) {
        e2 += part.e2 * part.e2;
        size2 += part.size2 * part.size2;
        to.einf = std::max(to.einf, part.einf);
        to.snapinf = std::max(to.snapinf, part.snapinf);
        to.sizeinf = std::max(to.sizeinf, part.sizeinf);
        to.steps = std::max(to.steps, part.steps);
    }
    // One part keeps its norms: squares may leave the range.
    const double repeats = multiplicity > 1 ? slack * std::sqrt(multiplicity) : 1;
    to.e2 = repeats * (from.size() == 1 ? from[0].e2 : slack * std::sqrt(e2));
    to.size2 = repeats * (from.size() == 1 ? from[0].size2 : slack * std::sqrt(size2));
    return to;
}

Bounds kink_bounds(const Bounds& from, double steepest, double multiplicity,
                   const KinkErrors& errors) {
    Bounds to = from;
    const double grow = std::max(1.0, steepest);
    const double grow2 = grow * (multiplicity > 1 ? slack * std::sqrt(multiplicity) : 1);
    to.e2 = slack * grow2 *
            (from.e2 + interpolation * from.size2 + errors.shift * std::sqrt(2 * errors.together));
    to.einf = slack * grow * (from.einf + interpolation * from.sizeinf + errors.shift);
    to.snapinf = grow * (from.snapinf + interpolation * from.sizeinf);
    return to;
}

}  // namespace splinecode::sweep

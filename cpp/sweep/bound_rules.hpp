#pragma once

#include <cmath>
#include <cstdint>

#include "sweep/host_device.hpp"
#include "sweep/tolerance.hpp"

/// The formulas of bounds.hpp, for the sweeps of the CPU and of a GPU: all but the loops over units
/// and inputs.
namespace splinecode::sweep {

struct Bounds {
    double e2 = 0;
    double einf = 0;
    double snapinf = 0;
    double size2 = 0;    // bounds the Euclidean norm of the values
    double sizeinf = 0;  // bounds the absolute value of each
    double steps = 0;    // affine steps on the way
};

/// The errors that arose in a layer of kinks beyond interpolation: `shift` bounds by how much a
/// unit's function was moved at a root (its value set, its t rounded), at most `together` units at
/// one t.
struct KinkErrors {
    double shift = 0;
    double together = 0;
};

/// What values are computed in: half the distance from 1 to the next number, the least positive
/// number, and whether weights, which are doubles, are rounded to it.
struct Arithmetic {
    double unit_roundoff;
    double least;
    bool rounds_weights = false;
};

/// Interpolating between two knots, with the error of the weight: (3 of the weight, 3 of the
/// arithmetic) times a difference of at most twice the size.
SPLINECODE_HOST_DEVICE constexpr double interpolation_of(double u) { return 12 * u; }

/// Operations in a unit besides its products and partial sums: interpolations, differences.
constexpr double other_operations = 48;
/// A value computed from its neighbours' and a few columns has terms up to three times its size.
constexpr double differences = 4;
/// Covers squares that underflow.
constexpr double least_norm = 0x1p-1074;

SPLINECODE_HOST_DEVICE inline double repeated(double multiplicity) {
    return multiplicity > 1 ? slack * std::sqrt(multiplicity) : 1;
}

// ------------------------------------------------------------------ affine steps but sums

/// Of the whole map: see Norms. `terms` counts the products and partial sums of a unit.
struct MapNorms {
    double operator2;
    double local2;
    double bias2;
    double terms;
};

SPLINECODE_HOST_DEVICE inline AffineStep affine_step(const Bounds& from, double terms,
                                                     const Arithmetic& arithmetic) {
    const double operations = terms + other_operations;
    // A weight that underflows is off by the least number, times a value.
    const double least = arithmetic.least * (arithmetic.rounds_weights ? 1 + from.sizeinf : 1);
    return {from.e2,
            from.einf,
            from.size2,
            from.sizeinf,
            differences * slack * operations * arithmetic.unit_roundoff,
            from.steps + 1,
            4 * operations * least};
}

/// What the units of a step amount to.
struct UnitsTaken {
    double einf = 0;
    double snapinf = 0;
    double sizeinf = 0;
    double squares = 0;  // of their bounds

    SPLINECODE_HOST_DEVICE void take(const UnitTolerance& unit, double bias) {
        take(
            UnitsTaken{unit.bound, unit.snap, slack * (unit.size + bias), unit.bound * unit.bound});
    }
    SPLINECODE_HOST_DEVICE void take(const UnitsTaken& more) {
        einf = larger(einf, more.einf);
        snapinf = larger(snapinf, more.snapinf);
        sizeinf = larger(sizeinf, more.sizeinf);
        squares += more.squares;
    }
};

SPLINECODE_HOST_DEVICE inline Bounds affine_bounds(const AffineStep& step, const MapNorms& map,
                                                   const UnitsTaken& units, std::int64_t n) {
    Bounds to;
    to.steps = step.steps;
    to.einf = units.einf;
    to.snapinf = units.snapinf;
    to.sizeinf = units.sizeinf;
    to.size2 = slack * (map.operator2 * step.size2 + map.bias2);
    const double whole = slack * map.operator2 * step.e2 +
                         step.gamma * (map.local2 * step.size2 + map.bias2) +
                         (step.size2 > 0 ? step.underflow * static_cast<double>(n) : 0);
    to.e2 = smaller(whole, slack * std::sqrt(units.squares) + least_norm);
    if (to.einf == 0) {
        to.e2 = 0;
    }
    return to;
}

// ------------------------------------------------------------------ sums

/// Bounds of the sum of some nodes' values, taken one after the other.
class SumOfBounds {
public:
    SPLINECODE_HOST_DEVICE SumOfBounds(std::int64_t n, double u)
        : gamma_(slack * u * (other_operations + static_cast<double>(n))) {}

    SPLINECODE_HOST_DEVICE void take(const Bounds& term) {
        const double local = gamma_ * term.sizeinf;
        sum_.size2 += slack * term.size2;
        sum_.sizeinf += slack * term.sizeinf;
        sum_.e2 += slack * (term.e2 + gamma_ * term.size2);
        sum_.einf += slack * (term.einf + local);
        sum_.snapinf += term.snapinf + local;
        sum_.steps = larger(sum_.steps, term.steps);
    }
    SPLINECODE_HOST_DEVICE Bounds all() const {
        Bounds to = sum_;
        to.snapinf = smaller(to.snapinf, to.einf);
        return to;
    }

private:
    double gamma_;
    Bounds sum_;
};

// ------------------------------------------------------------------ views

/// Bounds of values taken from some nodes, of which one follows the other.
class JoinedBounds {
public:
    SPLINECODE_HOST_DEVICE void take(const Bounds& part) {
        only_ = part;
        ++parts_;
        e2_ += part.e2 * part.e2;
        size2_ += part.size2 * part.size2;
        joined_.einf = larger(joined_.einf, part.einf);
        joined_.snapinf = larger(joined_.snapinf, part.snapinf);
        joined_.sizeinf = larger(joined_.sizeinf, part.sizeinf);
        joined_.steps = larger(joined_.steps, part.steps);
    }
    /// No value is taken more often than `multiplicity` times.
    SPLINECODE_HOST_DEVICE Bounds all(double multiplicity) const {
        Bounds to = joined_;
        // One part keeps its norms: squares may leave the range.
        const double repeats = repeated(multiplicity);
        to.e2 = repeats * (parts_ == 1 ? only_.e2 : slack * std::sqrt(e2_));
        to.size2 = repeats * (parts_ == 1 ? only_.size2 : slack * std::sqrt(size2_));
        return to;
    }

private:
    Bounds joined_;
    Bounds only_;
    std::int64_t parts_ = 0;
    double e2_ = 0;
    double size2_ = 0;
};

// ------------------------------------------------------------------ kinks

/// `steepest` is the largest slope; `multiplicity` how many outputs an input is part of.
SPLINECODE_HOST_DEVICE inline Bounds kink_bounds(const Bounds& from, double steepest,
                                                 double multiplicity, const KinkErrors& errors,
                                                 double u) {
    const double interpolation = interpolation_of(u);
    Bounds to = from;
    const double grow = larger(1.0, steepest);
    const double grow2 = grow * repeated(multiplicity);
    to.e2 = slack * grow2 *
            (from.e2 + interpolation * from.size2 + errors.shift * std::sqrt(2 * errors.together));
    to.einf = slack * grow * (from.einf + interpolation * from.sizeinf + errors.shift);
    to.snapinf = grow * (from.snapinf + interpolation * from.sizeinf);
    return to;
}

}  // namespace splinecode::sweep

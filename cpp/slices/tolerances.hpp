#pragma once

#include "parallel.hpp"
#include "sweep/bounds.hpp"
#include "sweep/program.hpp"

/// Rounding bounds of a slice.
///
/// They are those of a sweep (sweep/bounds.hpp), with triangles in the place of intervals. Call a
/// node's function its values at the vertices, interpolated on the triangles of any triangulation
/// of the faces. Vertices lie at their combinations of earlier ones exactly. `e2` and `einf` bound
/// how far the functions are from those of exact arithmetic, everywhere in the window. An affine
/// step at the vertices is an affine step of these functions, plus its rounding. A kink first
/// changes the function at the vertices, by what it sets to the boundary and by the rounding of
/// interpolation, twice where another triangulation is taken; then no vertices of a face are on
/// strictly opposite sides, and the kink of the function is the function of the kink.
namespace splinecode::slices {

class Tolerances {
public:
    explicit Tolerances(const sweep::Program& program);

    /// Takes the values (rows, units) of a node at the vertices, after those of the nodes it takes.
    /// Throws sweep::Overflow, and Interrupted.
    void take(sweep::Index number, const double* values, std::int64_t rows,
              const Interrupt& interrupt);

    /// By how much a layer's decisions changed its input at most, before its output is taken.
    void set_shift(sweep::Index number, double shift);

    /// What the units of a node are known to, and whether a 0 of theirs is one without doubt.
    sweep::UnitTolerances of(sweep::Index number) const;
    bool exact_zeros(sweep::Index number) const;

private:
    sweep::Bounds bounds_of(sweep::Index number);

    const sweep::Program& program_;
    std::vector<sweep::Bounds> bounds_;
    std::vector<sweep::UnitTolerances> units_;
    std::vector<double> shift_;
};

}  // namespace splinecode::slices

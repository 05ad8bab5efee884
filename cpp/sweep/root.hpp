#pragma once

#include <cmath>
#include <cstdint>

#include "sweep/host_device.hpp"
#include "sweep/tolerance.hpp"

/// Changes of piece between the knots of a cell.
namespace splinecode::sweep {

/// A range of t where rounding cannot exclude a tie.
struct Range {
    double low;
    double high;
};

/// A change of piece strictly between two knots of a cell.
struct Root {
    double t;
    double snap;   // roots closer than the sum of their snaps are taken to be one
    double error;  // the true root lies within t +- error
    double slope;  // how fast the deciding value changes, absolute
    double reach;  // the larger of the deciding value's sizes at the two knots
    double low;    // the two knots
    double high;
    std::int64_t off;        // bit that goes off, or -1
    std::int64_t on;         // bit that goes on, or -1
    std::int32_t cell;       // number of the cell within its layer
    std::int32_t column;     // the unit, and
    std::int32_t threshold;  // which of its boundaries; -1 for a change of maximum
    bool at_knot;  // there is no number between the knots: t is one of them, and no new knot
};

/// Bounds the rounding of a t that is placed between two knots.
constexpr double t_rounding = 4 * unit_roundoff;

/// t of a change at `weight` between the knots low and high, kept strictly between them if there is
/// a number; else t is one of them and at_knot is set.
SPLINECODE_HOST_DEVICE inline void place_root(Root& root, double weight) {
    const double t = root.low + weight * (root.high - root.low);
    const double first = std::nextafter(root.low, root.high);
    const double last = std::nextafter(root.high, root.low);
    root.at_knot = first > last || first == root.high;
    root.t = root.at_knot ? (weight < 0.5 ? root.low : root.high) : smaller(larger(t, first), last);
}

/// What a root's t, snap and error follow from: the deciding value at the knots beside it, and what
/// that is known to.
struct Crossed {
    double low;
    double high;
    double left;
    double right;
    double snap;
    double bound;
};

/// The root of a deciding value at `weight` between the knots, without what it changes: bits are
/// -1, all else 0.
SPLINECODE_HOST_DEVICE inline Root root_of(const Crossed& at, double weight) {
    Root root{};
    root.low = at.low;
    root.high = at.high;
    const double change = std::fabs(at.right - at.left);
    const double gap = at.high - at.low;
    place_root(root, weight);
    root.snap = at.snap / change * gap + t_rounding;
    root.error = at.bound / change * gap + t_rounding;
    root.slope = change / gap;
    root.reach = larger(std::fabs(at.left), std::fabs(at.right));
    root.off = -1;
    root.on = -1;
    return root;
}

}  // namespace splinecode::sweep

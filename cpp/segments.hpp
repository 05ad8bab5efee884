#pragma once

#include <cstdint>
#include <vector>

#include "parallel.hpp"

/// One layer's step of the exact sweep along line segments.
///
/// Affine layers commute with interpolation, so a sweep carries the values of a layer at the knots
/// (breakpoints) of each segment and nothing else. A kink step finds where its units change piece
/// between two knots, inserts those points as new knots, and applies the piece.
///
/// Rounding is met with two numbers for each unit, both along a whole segment. `bound` is proven:
/// |computed - true| <= bound. A value within it of a boundary, or enclosures that overlap, mark
/// the segment ambiguous; without a mark the crossings are those of exact arithmetic. `snap` <=
/// bound is what rounding typically does: a value within it of a boundary is taken to lie *on* the
/// boundary, and roots that it cannot tell apart to be one point, so that true ties come out as
/// ties. In deep networks the bound grows far beyond the error; snapping with it would lose
/// crossings.
namespace splinecode {

/// The state of a sweep. Knots of segment s are rows [offsets[s], offsets[s + 1]), at least two;
/// t rises from 0 to 1 in each. `t_error` bounds |t - true t| of a knot.
struct Sweep {
    std::int64_t segments = 0;
    std::int64_t rows = 0;
    std::int64_t units = 0;
    const std::int64_t* offsets = nullptr;
    const double* t = nullptr;
    const double* t_error = nullptr;
    const double* values = nullptr;  // rows x units

    const double* row(std::int64_t i) const { return values + i * units; }
};

/// A bit of the layer's code that differs on the two sides of t.
struct Crossing {
    std::int64_t segment;
    double t;
    double t_error;
    std::int64_t unit;
    std::int8_t direction;  // +1: off to on; -1: on to off
};

/// Where a row after the step comes from: (1 - weight) * left + weight * right, then the piece.
struct RowSource {
    std::int64_t left;
    std::int64_t right;
    double weight;
    std::int64_t zeros_begin;  // units that are exactly zero there: KinkPlan::zero_units
    std::int64_t zeros_end;
};

/// What a kink step found: the knots after it, how to compute their rows, and its crossings in the
/// order (segment, t, unit).
struct KinkPlan {
    std::vector<std::int64_t> offsets;
    std::vector<double> t;
    std::vector<double> t_error;
    std::vector<RowSource> sources;
    std::vector<std::int64_t> zero_units;
    std::vector<Crossing> crossings;
    std::vector<std::uint64_t> first_codes;  // segments x words: codes of the first pieces
    std::vector<std::uint8_t> ambiguous;     // segments
};

/// How well values are known: `snap` and `bound` as above (segments x units for ReLU, one a segment
/// for max pool, where they are those of a difference of two elements); `rounding` is the error of
/// t that the sweep's own arithmetic may have added so far.
struct Tolerances {
    const double* snap = nullptr;
    const double* bound = nullptr;
    double rounding = 0;
};

/// Finds where units of a ReLU-like layer change sign.
/// O(rows * units), reading the values once, plus O(crossings * log).
KinkPlan find_relu(const Sweep& sweep, const Tolerances& tolerances, const Interrupt& interrupt);

/// How large the values of each row of a plan are; a NaN or infinity shows in `norm2`.
struct RowSizes {
    std::vector<double> norm2;  // Euclidean
    std::vector<double> largest;
};

/// out = z > 0 ? z : slope * z at every knot of the plan (rows of the plan x units).
RowSizes apply_relu(const Sweep& sweep, const KinkPlan& plan, double slope, double* out,
                    const Interrupt& interrupt);

/// The windows of a max-pooling layer: element e of window w is unit index[w * size + e] of the
/// layer's input, or -1 where it is padding.
struct Windows {
    std::int64_t count = 0;
    std::int64_t size = 0;
    const std::int64_t* index = nullptr;
};

/// Finds where the largest element of a window changes. Bits are one per window element, with one
/// on in each window: the largest, the lowest element at a tie. Elements computed exactly equal are
/// a tie without a mark: equal patches of an image give them all the time.
KinkPlan find_max_pool(const Sweep& sweep, const Windows& windows, const Tolerances& tolerances,
                       const Interrupt& interrupt);

/// out = the largest element of each window at every knot of the plan (rows x windows.count).
RowSizes apply_max_pool(const Sweep& sweep, const KinkPlan& plan, const Windows& windows,
                        double* out, const Interrupt& interrupt);

}  // namespace splinecode

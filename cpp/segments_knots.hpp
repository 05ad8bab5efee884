#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "segments.hpp"

/// What the kink steps share: roots become knots, and knots of all blocks become a plan.
namespace splinecode {

/// A change of piece strictly inside the interval between two knots: the bit `off` goes off and the
/// bit `on` goes on (-1 for none).
struct Root {
    double weight;  // position between the knots, in (0, 1)
    double t;
    double snap;   // roots closer than the sum of their snaps are taken to be one
    double error;  // the true root lies within t +- error
    std::int64_t off;
    std::int64_t on;
    std::int64_t zero_unit;  // the unit whose value is zero at the root, or -1
};

/// A knot between rows `left` and `left + 1`.
struct NewKnot {
    std::int64_t left;
    double weight;
    double t;
    double t_error;
    std::int64_t zero_units;  // how many of the block's zero_units are the knot's
};

/// What a block of consecutive rows contributes, in row order.
struct BlockFindings {
    std::vector<NewKnot> knots;
    std::vector<std::int64_t> zero_units;
    std::vector<Crossing> crossings;
    std::vector<std::int64_t> ambiguous;  // segments
};

/// A root at `weight` between rows `left` and `left + 1`, where the deciding value changes by
/// `change` over the interval; `snap` and `bound` are its tolerances.
Root make_root(const Sweep& sweep, std::int64_t left, double weight, double change, double snap,
               double bound, double rounding);

/// Turns the roots of one interval into knots and crossings. Roots within their snaps of each other
/// become one knot, at the root known best; opposite flips of a bit at one knot cancel.
/// `roots` is used as scratch. O(n log n), plus the square of the largest group of overlaps.
void insert_roots(std::vector<Root>& roots, std::int64_t segment, std::int64_t left,
                  BlockFindings& findings);

/// Half width of the enclosure of a change of sign at an old knot: the deciding value is within
/// `bound` of zero there and `before`, `after` at the neighbouring knots.
double error_at_knot(const Sweep& sweep, std::int64_t row, double before, double after,
                     double bound);

/// A run of rows of one segment.
struct RowBlock {
    std::int64_t segment;
    std::int64_t begin;
    std::int64_t end;
};

/// Runs find(block, findings) over blocks of about `row_cost` nanoseconds a row, in parallel, and
/// assembles knots and crossings; first_codes is left to the caller.
KinkPlan assemble(const Sweep& sweep, double row_cost,
                  const std::function<void(const RowBlock&, BlockFindings&)>& find,
                  const Interrupt& interrupt);

/// Calls fill(source, row) for every row of the plan, of `units` values in `out`, in parallel, and
/// measures the rows while they are in cache.
RowSizes fill_rows(const KinkPlan& plan, std::int64_t units, double row_cost, double* out,
                   const std::function<void(const RowSource&, double*)>& fill,
                   const Interrupt& interrupt);

}  // namespace splinecode

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sweep/root.hpp"

/// Knots of a segment: where a unit is not linear. Every knot is at its float64 number exactly.
namespace splinecode::sweep {

/// The knots of a cell, strictly rising; the first and the last are the ends of the segment.
using Knots = std::shared_ptr<const std::vector<double>>;

/// All knots of a segment, over all cells.
class KnotTable {
public:
    struct Knot {
        double t;
        double snap;
        double error;
    };

    KnotTable(double begin, double end) : knots_{{begin, 0, 0}, {end, 0, 0}} {}
    const std::vector<Knot>& knots() const { return knots_; }
    /// Adds knots that are new, in order of t.
    void merge(const std::vector<Knot>& more);
    double error_at(double t) const;

private:
    std::vector<Knot> knots_;
};

/// What settling the roots of a layer decided besides their t.
struct Settled {
    std::vector<Range> ambiguous;
    double shift = 0;     // bounds how far a unit's value was moved by any decision
    double together = 0;  // units that change piece at one t, at most
};

/// Decides which roots of a layer are one point: roots within their snaps of each other, or of a
/// knot of another cell, become one knot, at the root known best. Changes t (and error) of roots,
/// in any order, and adds the new knots to the table. O(n log n), plus the square of the largest
/// group of overlaps.
Settled settle(std::vector<Root>& roots, KnotTable& table);

/// The union of rising lists; the first of them that holds the others, if one does.
Knots united(std::vector<Knots> lists);

/// For each knot of `to`, the row of `from` at or below it and the weight of the next row.
struct Between {
    std::vector<std::int32_t> row;
    std::vector<double> weight;
};
Between between(const std::vector<double>& from, const std::vector<double>& to);

}  // namespace splinecode::sweep

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

/// Knots of a segment: where a unit is not linear. Every knot is at its float64 number exactly.
namespace splinecode::sweep {

/// The knots of a cell, strictly rising; the first and the last are the ends of the segment.
using Knots = std::shared_ptr<const std::vector<double>>;

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

/// t of a change at `weight` between the knots low and high, kept strictly between them if there is
/// a number; else t is one of them and at_knot is set.
void place_root(Root& root, double weight);

/// The union of rising lists; one of them where it holds the others.
Knots united(std::vector<Knots> lists);

/// For each knot of `to`, the row of `from` at or below it and the weight of the next row.
struct Between {
    std::vector<std::int32_t> row;
    std::vector<double> weight;
};
Between between(const std::vector<double>& from, const std::vector<double>& to);

}  // namespace splinecode::sweep

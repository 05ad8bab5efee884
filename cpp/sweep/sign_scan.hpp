#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "codes.hpp"
#include "sweep/state.hpp"

/// Where the units of a layer of piecewise-linear units pass their thresholds.
namespace splinecode::sweep {

/// What rounding may do to the columns of a cell.
struct Tolerances {
    std::vector<double> snap;
    std::vector<double> bound;
};
Tolerances tolerances_of(State& state, const PiecesCell& cell);

/// A layer's cell on its way through the kinks.
struct PiecesWork {
    const PiecesCell* pieces;
    const Cell* cell;
    Knots knots;         // before
    const Rows* source;  // null for a cell of constant zeros
    bool exact_zeros;    // see Cell
    Tolerances tolerances;
    NewRows rows;
    std::vector<const Root*> roots;
    std::vector<std::vector<std::uint64_t>> first;  // signs on the first piece, by threshold

    std::int64_t width() const { return cell->width(); }
    std::int64_t old_rows() const { return static_cast<std::int64_t>(knots->size()); }
};

/// The pre-activations of a cell at row `row`, gathered into `scratch` where they do not lie there.
const double* gathered(const PiecesWork& work, std::int64_t row, std::vector<double>& scratch);

/// Calls visit(column) for every set bit.
template <class Visit>
void for_each_bit(std::uint64_t bits, std::size_t word, const Visit& visit) {
    for (; bits; bits &= bits - 1) {
        visit(static_cast<std::int64_t>(word) * word_bits + std::countr_zero(bits));
    }
}

/// What a block of rows contributes.
struct Findings {
    std::vector<Root> roots;
    std::vector<Event> events;
    std::vector<Range> ambiguous;
    KinkErrors errors;
};

/// Finds where the units of a cell pass threshold `threshold`, over a block of rows; the block of
/// row 0 takes their signs on the first piece.
void scan_signs(const State& state, const Node& node, PiecesWork& work, const RowBlock& block,
                std::int64_t threshold, Findings& findings);

}  // namespace splinecode::sweep

#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "parallel.hpp"
#include "sweep/bounds.hpp"
#include "sweep/knots.hpp"
#include "sweep/program.hpp"
#include "sweep/rows.hpp"

/// What a sweep of one segment carries from step to step.
namespace splinecode::sweep {

/// New rows between two old ones of a layer's cell, where few columns leave the chord: a product of
/// such a row is the chord of its neighbours' products plus those of the columns.
struct ChordRows {
    std::int64_t begin;  // new rows [begin, end); begin - 1 and end are the old ones
    std::int64_t end;
    std::vector<Index> columns;
    std::vector<double> weights;  // (end - begin) of them, of the row `end`
    std::vector<double> offsets;  // (end - begin, columns): value minus chord
};

struct CellState {
    Knots knots;
    Rows values;
    std::vector<ChordRows> chords;
};

/// A bit of a layer's code that differs on the two sides of t.
struct Event {
    double t;
    double error;
    Index layer;
    std::int64_t unit;
    std::int8_t direction;
};

/// How a sweep may use the machine.
struct Means {
    bool parallel;
    Interrupt interrupt;

    /// Calls body(i) for each i in [0, n); `work` is about all of it, in nanoseconds.
    void for_each(std::int64_t n, double work,
                  const std::function<void(std::int64_t)>& body) const {
        if (parallel) {
            parallel_for(n, work, body, interrupt);
            return;
        }
        for (std::int64_t i = 0; i < n; ++i) {
            body(i);
            checkpoint();
        }
    }
};

/// The sweep of one window of a segment, after some of the nodes.
struct State {
    State(const Program& p, double begin, double end, Budget& b, const Means& m)
        : program(p),
          means(m),
          budget(b),
          ends(std::make_shared<const std::vector<double>>(std::vector<double>{begin, end})),
          table(begin, end),
          cells(p.cells().size()),
          bounds(p.nodes().size()),
          tolerances(p.nodes().size()) {}

    CellState& cell(Index i) { return cells[static_cast<std::size_t>(i)]; }
    const CellState& cell(Index i) const { return cells[static_cast<std::size_t>(i)]; }
    Bounds& bound(Index node) { return bounds[static_cast<std::size_t>(node)]; }
    std::vector<Bounds> bounds_of(const std::vector<Index>& nodes) {
        std::vector<Bounds> found(nodes.size());
        std::ranges::transform(nodes, found.begin(), [&](Index node) { return bound(node); });
        return found;
    }

    const Program& program;
    const Means& means;
    Budget& budget;
    Knots ends;
    KnotTable table;
    std::vector<CellState> cells;
    std::vector<Bounds> bounds;
    std::vector<UnitTolerances> tolerances;
    std::vector<Event> events;
    std::vector<Range> ambiguous;
    std::vector<Range> assumed;  // elements of windows that were computed equal: taken to be so
    std::vector<std::uint64_t> first_code;
};

/// The steps. Each makes the states of its node's cells and its bounds.
void run_affine(State& state, Index number);
void run_pieces(State& state, Index number);
void run_max(State& state, Index number);

/// Takes the sizes of the node's values, all of whose cells are made, into its bounds.
void measure(State& state, Index number);

/// A run of rows of one cell of a layer.
struct RowBlock {
    std::int64_t cell;
    std::int64_t begin;
    std::int64_t end;
};

/// Cuts rows [0, rows[i]) of each cell i into blocks of about `values` values.
std::vector<RowBlock> row_blocks(const std::vector<std::int64_t>& rows,
                                 const std::vector<std::int64_t>& widths);

/// Appends the layer's words to the first code: bit bits[i] is set.
void append_code(State& state, std::int64_t n_bits, const std::vector<std::int64_t>& bits);

/// Where a row of a cell after its kinks comes from: (1 - weight) * row left + weight * row left
/// + 1.
struct RowSource {
    std::int64_t left;
    double weight;
    std::int64_t roots_begin;  // of the cell's roots: those at this row
    std::int64_t roots_end;
};

/// The rows of a cell once its roots are knots.
struct NewRows {
    Knots knots;
    std::vector<RowSource> sources;
};
NewRows with_roots(const Knots& knots, const std::vector<const Root*>& roots);

/// Settles the roots of a layer, reports their crossings, and returns the new knots of each cell
/// (rising, with repeats where several units cross).
std::vector<std::vector<const Root*>> settle_layer(State& state, const Node& node,
                                                   std::vector<Root>& roots, KinkErrors& errors);

}  // namespace splinecode::sweep

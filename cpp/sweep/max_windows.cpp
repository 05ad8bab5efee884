#include <algorithm>
#include <limits>

#include "simd.hpp"
#include "sweep/envelope.hpp"
#include "sweep/state.hpp"

namespace splinecode::sweep {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A layer's cell on its way through the maxima.
struct CellWork {
    const MaxCell* max;
    Knots knots;
    Rows elements;                          // the windows' elements at the knots
    std::vector<std::uint8_t> exact_zeros;  // of each element: see Cell
    std::vector<std::int64_t> first;
    std::vector<Root> roots;
    std::vector<Event> events;
    std::vector<Range> ambiguous;
    std::vector<Range> assumed;
    NewRows rows;
    std::vector<const Root*> settled;
};

/// What one window of a cell contributes.
struct WindowSink {
    CellWork& work;
    std::int64_t bit;  // the window's first
    std::int32_t cell;
    std::int32_t column;

    void root(Root found) const {
        found.off += bit;
        found.on += bit;
        found.cell = cell;
        found.column = column;
        work.roots.push_back(found);
    }
    void ambiguous(const Range& range) const { work.ambiguous.push_back(range); }
    void assumed(const Range& range) const { work.assumed.push_back(range); }
};

/// Walks the upper envelope of every window of a cell.
class WindowScan {
public:
    WindowScan(const State& state, const Node& node, std::int32_t cell, const Bounds& bounds,
               CellWork& work)
        : state_(state),
          node_(node),
          cell_(cell),
          tolerance_{2 * (bounds.snapinf + interpolation * bounds.sizeinf),
                     2 * (bounds.einf + interpolation * bounds.sizeinf)},
          work_(work),
          windows_(static_cast<std::int64_t>(work.max->bits.size())),
          largest_(at(windows_)) {}

    void run() {
        const auto intervals = static_cast<std::int64_t>(work_.knots->size()) - 1;
        for (std::int64_t row = 0; row < intervals; ++row) {
            for (std::int64_t w = 0; w < windows_; ++w) {
                scan(row, w);
            }
        }
    }

private:
    double t(std::int64_t row) const { return (*work_.knots)[at(row)]; }
    std::int64_t bit(std::int64_t w) const { return work_.max->bits[at(w)]; }
    Envelope<double> envelope(std::int64_t row, std::int64_t w) const {
        const Lines<double> lines(work_.max->windows.data() + w * node_.window, node_.window,
                                  work_.elements.row(row), work_.elements.row(row + 1));
        return {lines, t(row), t(row + 1), tolerance_, work_.exact_zeros.data()};
    }

    void scan(std::int64_t row, std::int64_t w) {
        const Envelope<double> here = envelope(row, w);
        const std::int64_t first = here.first();
        const WindowSink sink{work_, bit(w), cell_, static_cast<std::int32_t>(w)};
        here.mark_ties(sink);
        if (row == 0) {
            work_.first.push_back(bit(w) + first);
        } else if (first != largest_[at(w)]) {
            cross_at_knot(row, w, largest_[at(w)], first);
        }
        largest_[at(w)] = here.walk(first, sink);
    }

    void cross_at_knot(std::int64_t row, std::int64_t w, std::int64_t off, std::int64_t on) {
        const double doubt = envelope(row - 1, w).doubt_of_change(envelope(row, w), off, on);
        const double error = doubt + state_.table.error_at(t(row)) + t_rounding;
        work_.events.push_back({t(row), error, node_.layer, bit(w) + off, -1});
        work_.events.push_back({t(row), error, node_.layer, bit(w) + on, +1});
    }

    const State& state_;
    const Node& node_;
    std::int32_t cell_;
    WindowTolerance tolerance_;
    CellWork& work_;
    std::int64_t windows_;
    std::vector<std::int64_t> largest_;
};

/// A layer of maxima, all of its cells.
class MaxLayer {
public:
    MaxLayer(State& state, Index number)
        : state_(state),
          number_(number),
          node_(state.program.node(number)),
          works_(at(node_.last_cell - node_.first_cell)) {}

    void run() {
        const auto knots = static_cast<double>(state_.table.knots().size());
        const double work = 0.2 * knots * node_.row_cost;
        const auto n = static_cast<std::int64_t>(works_.size());
        state_.means.for_each(n, work, [&](std::int64_t i) {
            begin_cell(i);
            WindowScan(state_, node_, static_cast<std::int32_t>(i), state_.bound(node_.inputs[0]),
                       works_[at(i)])
                .run();
        });
        KinkErrors errors;
        std::vector<Root> roots;
        std::vector<std::vector<const Root*>> by_cell = settle_cells(roots, errors);
        state_.means.for_each(n, work, [&](std::int64_t i) {
            works_[at(i)].settled = std::move(by_cell[at(i)]);
            apply(i);
        });
        state_.bound(number_) =
            kink_bounds(state_.bound(node_.inputs[0]), 1, node_.multiplicity, errors);
        measure(state_, number_);
    }

private:
    /// Brings the elements of a cell's windows to their common knots.
    void begin_cell(std::int64_t i) {
        CellWork& work = works_[at(i)];
        work.max = &node_.max[at(i)];
        const std::vector<Place>& places = work.max->elements;
        std::vector<Index> cells;
        for (const Place& place : places) {
            if (place.cell >= 0) {
                cells.push_back(place.cell);
            }
        }
        std::ranges::sort(cells);
        cells.erase(std::ranges::unique(cells).begin(), cells.end());
        std::vector<Knots> lists{state_.ends};
        for (const Index cell : cells) {
            lists.push_back(state_.cell(cell).knots);
        }
        work.knots = united(std::move(lists));
        const auto rows = static_cast<std::int64_t>(work.knots->size());
        work.elements = Rows(rows, static_cast<std::int64_t>(places.size()), state_.budget);
        std::fill_n(work.elements.row(0), rows * work.elements.width(), 0.0);
        for (const Index cell : cells) {
            gather(cell, places, work);
        }
        for (const Place& place : places) {
            work.exact_zeros.push_back(place.cell < 0 ||
                                       state_.program.cell(place.cell).exact_zeros);
        }
    }

    void gather(Index cell, const std::vector<Place>& places, CellWork& work) const {
        const CellState& from = state_.cell(cell);
        const Between place = between(*from.knots, *work.knots);
        std::vector<std::pair<std::size_t, std::size_t>> columns;
        for (std::size_t c = 0; c < places.size(); ++c) {
            if (places[c].cell == cell) {
                columns.emplace_back(c, static_cast<std::size_t>(places[c].column));
            }
        }
        for (std::int64_t row = 0; row < work.elements.rows(); ++row) {
            const std::int64_t left = place.row[at(row)];
            const double* const here = from.values.row(left);
            const double* const next = from.values.row(std::min(left + 1, from.values.rows() - 1));
            const double weight = place.weight[at(row)];
            double* const to = work.elements.row(row);
            for (const auto& [column, source] : columns) {
                to[column] = here[source] + weight * (next[source] - here[source]);
            }
        }
    }

    std::vector<std::vector<const Root*>> settle_cells(std::vector<Root>& roots,
                                                       KinkErrors& errors) {
        std::vector<std::int64_t> first;
        for (CellWork& work : works_) {
            roots.insert(roots.end(), work.roots.begin(), work.roots.end());
            const auto add = [](auto& to, const auto& from) {
                to.insert(to.end(), from.begin(), from.end());
            };
            add(first, work.first);
            add(state_.events, work.events);
            add(state_.ambiguous, work.ambiguous);
            add(state_.assumed, work.assumed);
        }
        auto by_cell = settle_layer(state_, node_, roots, errors);
        append_code(state_, node_.bits, first);
        return by_cell;
    }

    void apply(std::int64_t i) {
        CellWork& work = works_[at(i)];
        work.rows = with_roots(work.knots, work.settled);
        CellState& to = state_.cell(node_.first_cell + static_cast<Index>(i));
        to.knots = work.rows.knots;
        const auto windows = static_cast<std::int64_t>(work.max->bits.size());
        to.values = Rows(static_cast<std::int64_t>(to.knots->size()), windows, state_.budget);
        std::vector<double> elements(at(work.elements.width()));
        for (std::int64_t row = 0; row < to.values.rows(); ++row) {
            const RowSource& source = work.rows.sources[at(row)];
            const double* const left = work.elements.row(source.left);
            const double* const right =
                source.weight == 0 ? left : work.elements.row(source.left + 1);
            kernels().put_between(left, right, source.weight, elements.size(), elements.data());
            for (std::int64_t w = 0; w < windows; ++w) {
                const Index* const index = work.max->windows.data() + w * node_.window;
                double largest = -std::numeric_limits<double>::infinity();
                for (std::int64_t e = 0; e < node_.window; ++e) {
                    if (index[e] >= 0) {
                        largest = std::max(largest, elements[at(index[e])]);
                    }
                }
                to.values.row(row)[w] = largest;
            }
        }
        work.elements = Rows{};
    }

    State& state_;
    Index number_;
    const Node& node_;
    std::vector<CellWork> works_;
};

}  // namespace

void run_max(State& state, Index number) { MaxLayer(state, number).run(); }

}  // namespace splinecode::sweep

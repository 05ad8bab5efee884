#include <algorithm>
#include <cmath>
#include <limits>

#include "simd.hpp"
#include "sweep/state.hpp"

namespace splinecode::sweep {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A window's elements between two knots: straight lines in the weight, from `left` to `right`.
class Lines {
public:
    using End = double (Lines::*)(std::int64_t) const;

    Lines(const Index* index, std::int64_t size, const double* left, const double* right)
        : index_(index), size_(size), left_(left), right_(right) {}

    std::int64_t size() const { return size_; }
    bool real(std::int64_t e) const { return index_[e] >= 0; }
    double left(std::int64_t e) const { return left_[index_[e]]; }
    double right(std::int64_t e) const { return right_[index_[e]]; }
    Index element(std::int64_t e) const { return index_[e]; }

    /// The largest element just after the left end: of those that tie there, the largest at the
    /// right end, the lowest of those that tie there too.
    std::int64_t first(double snap) const {
        std::int64_t best = highest(&Lines::left);
        const double top = left(best);
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && top - left(e) <= snap && right(e) > right(best)) {
                best = e;
            }
        }
        const double top_right = right(best);
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && top - left(e) <= snap && top_right - right(e) <= snap) {
                return e;
            }
        }
        return best;
    }

    /// The element that overtakes `current` first, and where; -1 if none does before the right end.
    std::int64_t next(std::int64_t current, double snap, double& weight) const {
        std::int64_t overtaking = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (!real(e) || right(e) - right(current) <= snap) {
                continue;
            }
            const double behind = std::max(0.0, left(current) - left(e));
            const double here = behind / (behind + (right(e) - right(current)));
            if (overtaking < 0 || here < weight) {
                overtaking = e;
                weight = here;
            }
        }
        return overtaking < 0 ? -1 : largest_after(overtaking, snap, weight);
    }

    /// Of the elements that tie with `e` at `weight`, the largest at the right end, the lowest of
    /// those that tie there too.
    std::int64_t largest_after(std::int64_t e, double snap, double weight) const {
        const auto tie = [&](std::int64_t other) {
            return real(other) && between(e, weight) - between(other, weight) <= snap;
        };
        double top = right(e);
        for (std::int64_t other = 0; other < size_; ++other) {
            top = tie(other) ? std::max(top, right(other)) : top;
        }
        for (std::int64_t other = 0; other < size_; ++other) {
            if (tie(other) && top - right(other) <= snap) {
                return other;
            }
        }
        return e;
    }

    double between(std::int64_t e, double weight) const {
        return left(e) + weight * (right(e) - left(e));
    }

    std::int64_t highest(End end) const {
        std::int64_t found = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && (found < 0 || (this->*end)(e) > (this->*end)(found))) {
                found = e;
            }
        }
        return found;
    }

private:
    const Index* index_;
    std::int64_t size_;
    const double* left_;
    const double* right_;
};

/// A layer's cell on its way through the maxima.
struct CellWork {
    const MaxCell* max;
    Knots knots;
    Rows elements;                  // the windows' elements at the knots
    std::vector<bool> exact_zeros;  // of each element: see Cell
    std::vector<std::int64_t> first;
    std::vector<Root> roots;
    std::vector<Event> events;
    std::vector<Range> ambiguous;
    std::vector<Range> assumed;
    NewRows rows;
    std::vector<const Root*> settled;
};

/// Walks the upper envelope of every window of a cell.
class WindowScan {
public:
    WindowScan(const State& state, const Node& node, std::int32_t cell, const Bounds& bounds,
               CellWork& work)
        : state_(state),
          node_(node),
          cell_(cell),
          snap_(2 * (bounds.snapinf + interpolation * bounds.sizeinf)),
          bound_(2 * (bounds.einf + interpolation * bounds.sizeinf)),
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
    Lines lines(std::int64_t row, std::int64_t w) const {
        return {work_.max->windows.data() + w * node_.window, node_.window, work_.elements.row(row),
                work_.elements.row(row + 1)};
    }

    void scan(std::int64_t row, std::int64_t w) {
        const Lines here = lines(row, w);
        const std::int64_t first = here.first(snap_);
        mark_ties(row, here);
        if (row == 0) {
            work_.first.push_back(work_.max->bits[at(w)] + first);
        } else if (first != largest_[at(w)]) {
            cross_at_knot(row, w, largest_[at(w)], first);
        }
        largest_[at(w)] = walk(row, w, here, first);
    }

    /// Elements within the bound of the largest at an end of the interval, as far as they stay so.
    void mark_ties(std::int64_t row, const Lines& here) {
        const std::int64_t left_top = here.highest(&Lines::left);
        const std::int64_t right_top = here.highest(&Lines::right);
        const double gap = t(row + 1) - t(row);
        for (std::int64_t e = 0; e < here.size(); ++e) {
            if (!here.real(e)) {
                continue;
            }
            if (e != left_top && !(here.left(left_top) - here.left(e) > bound_)) {
                mark(here, e, left_top, t(row), 0, gap);
            }
            if (e != right_top && !(here.right(right_top) - here.right(e) > bound_)) {
                mark(here, e, right_top, t(row + 1), gap, 0);
            }
        }
    }

    void mark(const Lines& here, std::int64_t e, std::int64_t top, double knot, double before,
              double after) {
        const double left = here.left(top) - here.left(e);
        const double right = here.right(top) - here.right(e);
        const double near = after > 0 ? left : right;
        const double reach =
            reach_of(bound_, near, after > 0 ? right : left, std::max(before, after));
        const Range range{before > 0 ? knot - reach : knot, after > 0 ? knot + reach : knot};
        if (near != 0) {
            work_.ambiguous.push_back(
                {range.low - 4 * unit_roundoff, range.high + 4 * unit_roundoff});
        } else if (!both_inactive(here, e, top)) {
            work_.assumed.push_back(range);
        }
    }

    bool both_inactive(const Lines& here, std::int64_t a, std::int64_t b) const {
        const auto inactive = [&](std::int64_t e) {
            return here.left(e) == 0 && here.right(e) == 0 &&
                   work_.exact_zeros[at(here.element(e))];
        };
        return bound_ == 0 || (inactive(a) && inactive(b));
    }

    std::int64_t walk(std::int64_t row, std::int64_t w, const Lines& here, std::int64_t current) {
        const std::size_t begin = work_.roots.size();
        double weight = 0;
        for (std::int64_t e = here.next(current, snap_, weight); e >= 0;
             e = here.next(current, snap_, weight)) {
            const double left = here.left(e) - here.left(current);
            const double right = here.right(e) - here.right(current);
            add_root(row, w, weight, left, right, current, e, begin);
            mark_others(row, here, weight, current, e);
            current = e;
        }
        return current;
    }

    /// Elements within the bound of the largest where it changes from `off` to `on`: between the
    /// ends of an interval, an element comes closest to the largest there or at an end, since the
    /// largest is convex.
    void mark_others(std::int64_t row, const Lines& here, double weight, std::int64_t off,
                     std::int64_t on) {
        const double top = std::max(here.between(off, weight), here.between(on, weight));
        const double gap = t(row + 1) - t(row);
        const double knot = t(row) + weight * gap;
        for (std::int64_t e = 0; e < here.size(); ++e) {
            if (e == off || e == on || !here.real(e)) {
                continue;
            }
            const double near = top - here.between(e, weight);
            if (!(near > bound_)) {
                const double before =
                    reach_of(bound_, near, here.left(off) - here.left(e), weight * gap);
                const double after =
                    reach_of(bound_, near, here.right(on) - here.right(e), (1 - weight) * gap);
                work_.ambiguous.push_back(
                    {knot - before - 4 * unit_roundoff, knot + after + 4 * unit_roundoff});
            }
        }
    }

    void add_root(std::int64_t row, std::int64_t w, double weight, double left, double right,
                  std::int64_t off, std::int64_t on, std::size_t begin) {
        Root root{};
        root.low = t(row);
        root.high = t(row + 1);
        const double gap = root.high - root.low;
        const double change = std::fabs(right - left);
        place_root(root, weight);
        root.snap = snap_ / change * gap + 4 * unit_roundoff;
        root.error = bound_ / change * gap + 4 * unit_roundoff;
        root.slope = change / gap;
        root.reach = std::max(std::fabs(left), std::fabs(right));
        root.off = work_.max->bits[at(w)] + off;
        root.on = work_.max->bits[at(w)] + on;
        root.cell = cell_;
        root.column = static_cast<std::int32_t>(w);
        root.threshold = -1;
        // Three or more elements that meet at one point give one change, from first to last.
        if (work_.roots.size() > begin &&
            root.t - root.snap <= work_.roots.back().t + work_.roots.back().snap) {
            Root& last = work_.roots.back();
            last.on = root.on;
            last.error = std::max(last.error, root.error);
            work_.ambiguous.push_back(
                {std::min(root.t, last.t) - last.error, std::max(root.t, last.t) + last.error});
        } else {
            work_.roots.push_back(root);
        }
    }

    void cross_at_knot(std::int64_t row, std::int64_t w, std::int64_t off, std::int64_t on) {
        const Lines before = lines(row - 1, w);
        const Lines after = lines(row, w);
        double reach = 0;
        // Where both are inactive on one side, the change is where a unit crossed, which is a knot.
        if (!both_inactive(before, off, on) && !both_inactive(after, off, on)) {
            reach = doubt_at_knot(bound_, before.left(off) - before.left(on), t(row) - t(row - 1),
                                  after.right(on) - after.right(off), t(row + 1) - t(row));
        }
        const double error = reach + state_.table.error_at(t(row)) + 4 * unit_roundoff;
        const std::int64_t bit = work_.max->bits[at(w)];
        work_.events.push_back({t(row), error, node_.layer, bit + off, -1});
        work_.events.push_back({t(row), error, node_.layer, bit + on, +1});
    }

    const State& state_;
    const Node& node_;
    std::int32_t cell_;
    double snap_;
    double bound_;
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

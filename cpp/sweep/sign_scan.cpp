#include "sweep/sign_scan.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"
#include "sweep/sign_rules.hpp"

namespace splinecode::sweep {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Distances from a threshold, and their signs, at one knot.
class SignRow {
public:
    explicit SignRow(std::int64_t width)
        : positive_(at(words_for(width))), negative_(positive_.size()), scratch_(at(width)) {}

    void read(const PiecesWork& work, const double* thresholds, bool shifted, std::int64_t row) {
        values_ = gathered(work, row, scratch_);
        if (shifted) {
            for (std::size_t c = 0; c < scratch_.size(); ++c) {
                scratch_[c] = values_[c] - thresholds[c];
            }
            values_ = scratch_.data();
        }
        kernels().classify(values_, work.tolerances.snap.data(), scratch_.size(), positive_.data(),
                           negative_.data());
    }
    double value(std::int64_t column) const { return values_[column]; }
    const double* values() const { return values_; }
    std::uint64_t positive(std::size_t word) const { return positive_[word]; }
    std::uint64_t negative(std::size_t word) const { return negative_[word]; }
    /// Units on their boundary. Pad bits are set too.
    std::uint64_t zero(std::size_t word) const { return ~(positive_[word] | negative_[word]); }
    std::size_t words() const { return positive_.size(); }

private:
    std::vector<std::uint64_t> positive_;
    std::vector<std::uint64_t> negative_;
    std::vector<double> scratch_;
    const double* values_ = nullptr;
};

/// Finds where the units of a cell pass one of their thresholds, over a block of rows.
class SignScan {
public:
    SignScan(const State& state, const Node& node, PiecesWork& work, const RowBlock& block,
             std::int64_t threshold, Findings& findings)
        : state_(state),
          node_(node),
          work_(work),
          block_(block),
          threshold_(threshold),
          levels_(work.pieces->thresholds.data() + threshold * work.width()),
          shifted_(std::any_of(levels_, levels_ + work.width(), [](double x) { return x != 0; })),
          findings_(findings) {}

    void run() {
        const std::int64_t last = work_.old_rows() - 1;
        SignRow before(work_.width());
        SignRow here(work_.width());
        SignRow after(work_.width());
        if (block_.begin > 0) {
            before.read(work_, levels_, shifted_, block_.begin - 1);
        }
        here.read(work_, levels_, shifted_, block_.begin);
        for (std::int64_t row = block_.begin; row < block_.end; ++row) {
            if (row < last) {
                after.read(work_, levels_, shifted_, row + 1);
            }
            mark_ties(row, before, here, after);
            if (row == last) {
                return;
            }
            if (row == 0) {
                take_first(here, after);
            } else {
                cross_at_knot(row, before, here, after);
            }
            cross_inside(row, here, after);
            std::swap(before, here);
            std::swap(here, after);
        }
    }

private:
    double t(std::int64_t row) const { return (*work_.knots)[at(row)]; }
    std::int64_t bit(std::int64_t column) const {
        return work_.cell->units[at(column)] * node_.thresholds + threshold_;
    }

    /// A pre-activation that is 0 without rounding.
    bool is_exact(double z) const { return work_.exact_zeros && !shifted_ && z == 0; }

    /// The code on the first piece.
    void take_first(const SignRow& here, const SignRow& after) {
        std::vector<std::uint64_t>& words = work_.first[at(threshold_)];
        words.resize(here.words());
        for (std::size_t word = 0; word < words.size(); ++word) {
            words[word] = here.positive(word) | (here.zero(word) & after.positive(word));
        }
    }

    AtKnot at_knot(std::int64_t row, std::int64_t column, const SignRow& before,
                   const SignRow& here, const SignRow& after) const {
        const bool has_before = row > 0;
        const bool has_after = row + 1 < work_.old_rows();
        return {t(row),
                here.value(column),
                has_before ? before.value(column) : 0,
                has_before ? t(row) - t(row - 1) : 0,
                has_after ? after.value(column) : 0,
                has_after ? t(row + 1) - t(row) : 0};
    }

    /// Units near their boundary at a knot.
    void mark_ties(std::int64_t row, const SignRow& before, const SignRow& here,
                   const SignRow& after) {
        const std::vector<double>& bound = work_.tolerances.bound;
        if (!kernels().any_within(here.values(), bound.data(), bound.size())) {
            return;
        }
        Ties ties(t(row));
        for (std::int64_t c = 0; c < work_.width(); ++c) {
            const double z = here.value(c);
            if (is_near(z, bound[at(c)]) && !is_exact(z)) {
                ties.add(at_knot(row, c, before, here, after), work_.tolerances.snap[at(c)],
                         bound[at(c)]);
            }
        }
        KinkErrors& errors = findings_.errors;
        errors.shift = std::max(errors.shift, ties.shift);
        errors.together = std::max(errors.together, static_cast<double>(ties.snapped));
        findings_.ambiguous.push_back(ties.ambiguous());
    }

    /// Units on their boundary at a knot whose bit differs on its two sides.
    void cross_at_knot(std::int64_t row, const SignRow& before, const SignRow& here,
                       const SignRow& after) {
        for (std::size_t word = 0; word < here.words(); ++word) {
            const std::uint64_t flips =
                here.zero(word) & (before.positive(word) ^ after.positive(word));
            for_each_bit(flips, word, [&](std::int64_t c) {
                const double error =
                    flip_error(at_knot(row, c, before, here, after), work_.tolerances.bound[at(c)],
                               is_exact(here.value(c)), state_.table.error_at(t(row)));
                const bool was_on = (before.positive(word) >> (c % word_bits) & 1) != 0;
                findings_.events.push_back({t(row), error, node_.layer, bit(c),
                                            static_cast<std::int8_t>(was_on ? -1 : 1)});
            });
        }
    }

    /// Units with opposite signs at the ends of the interval [row, row + 1].
    void cross_inside(std::int64_t row, const SignRow& here, const SignRow& after) {
        for (std::size_t word = 0; word < here.words(); ++word) {
            const std::uint64_t rising = here.negative(word) & after.positive(word);
            const std::uint64_t falling = here.positive(word) & after.negative(word);
            for_each_bit(rising | falling, word,
                         [&](std::int64_t c) { add_root(row, c, here.value(c), after.value(c)); });
        }
    }

    void add_root(std::int64_t row, std::int64_t column, double left, double right) {
        Root root = crossing_of({t(row), t(row + 1), left, right, work_.tolerances.snap[at(column)],
                                 work_.tolerances.bound[at(column)]},
                                bit(column));
        root.cell = static_cast<std::int32_t>(block_.cell);
        root.column = static_cast<std::int32_t>(column);
        root.threshold = static_cast<std::int32_t>(threshold_);
        findings_.roots.push_back(root);
    }

    const State& state_;
    const Node& node_;
    PiecesWork& work_;
    RowBlock block_;
    std::int64_t threshold_;
    const double* levels_;
    bool shifted_;
    Findings& findings_;
};

}  // namespace

Tolerances tolerances_of(State& state, const PiecesCell& cell) {
    const std::size_t width = cell.columns.size();
    if (cell.cell < 0) {
        return {std::vector<double>(width), std::vector<double>(width)};
    }
    const Cell& source = state.program.cell(cell.cell);
    const UnitTolerances& known = state.tolerances[at(source.node)];
    if (known.snap.empty()) {
        const Bounds& worst = state.bound(source.node);
        return {std::vector<double>(width, worst.snapinf), std::vector<double>(width, worst.einf)};
    }
    Tolerances mine;
    for (const Index column : cell.columns) {
        const auto unit = at(source.units[at(column)]);
        mine.snap.push_back(known.snap[unit]);
        mine.bound.push_back(known.bound[unit]);
    }
    return mine;
}

const double* gathered(const PiecesWork& work, std::int64_t row, std::vector<double>& scratch) {
    if (work.pieces->in_place) {
        return work.source->row(row);
    }
    scratch.resize(at(work.width()));
    for (std::size_t c = 0; c < scratch.size(); ++c) {
        scratch[c] = work.source ? work.source->row(row)[work.pieces->columns[c]] : 0.0;
    }
    return scratch.data();
}

void scan_signs(const State& state, const Node& node, PiecesWork& work, const RowBlock& block,
                std::int64_t threshold, Findings& findings) {
    SignScan(state, node, work, block, threshold, findings).run();
}

}  // namespace splinecode::sweep

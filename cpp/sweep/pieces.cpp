#include <algorithm>
#include <bit>
#include <cmath>

#include "codes.hpp"
#include "simd.hpp"
#include "sweep/state.hpp"

namespace splinecode::sweep {
namespace {

/// Chords pay for cells at least as wide, whose columns cross no more often between two knots.
constexpr std::int64_t least_chord_width = 128;
constexpr std::size_t chord_share = 4;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// What rounding may do to the columns of a cell.
struct Tolerances {
    std::vector<double> snap;
    std::vector<double> bound;
};

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

/// A layer's cell on its way through the kinks.
struct CellWork {
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
const double* gathered(const CellWork& work, std::int64_t row, std::vector<double>& scratch) {
    if (work.pieces->in_place) {
        return work.source->row(row);
    }
    scratch.resize(at(work.width()));
    for (std::size_t c = 0; c < scratch.size(); ++c) {
        scratch[c] = work.source ? work.source->row(row)[work.pieces->columns[c]] : 0.0;
    }
    return scratch.data();
}

/// Distances from a threshold, and their signs, at one knot.
class SignRow {
public:
    explicit SignRow(std::int64_t width)
        : positive_(at(words_for(width))), negative_(positive_.size()), scratch_(at(width)) {}

    void read(const CellWork& work, const double* thresholds, bool shifted, std::int64_t row) {
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

/// Finds where the units of a cell pass one of their thresholds, over a block of rows.
class SignScan {
public:
    SignScan(const State& state, const Node& node, CellWork& work, const RowBlock& block,
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

    /// A unit within its bound of the boundary at a knot may lie on either side, as far as it stays
    /// within the bound.
    void mark_ties(std::int64_t row, const SignRow& before, const SignRow& here,
                   const SignRow& after) {
        const std::vector<double>& bound = work_.tolerances.bound;
        if (!kernels().any_within(here.values(), bound.data(), bound.size())) {
            return;
        }
        Range range{t(row), t(row)};
        double snapped = 0;
        for (std::int64_t c = 0; c < work_.width(); ++c) {
            const double limit = bound[at(c)];
            const double z = here.value(c);
            if (limit == 0 || std::fabs(z) > limit || is_exact(z)) {
                continue;
            }
            if (z != 0 && std::fabs(z) <= work_.tolerances.snap[at(c)]) {
                ++snapped;
                findings_.errors.shift = std::max(findings_.errors.shift, std::fabs(z));
            }
            if (row > 0) {
                const double gap = t(row) - t(row - 1);
                range.low = std::min(range.low, t(row) - reach_of(limit, z, before.value(c), gap));
            }
            if (row + 1 < work_.old_rows()) {
                const double gap = t(row + 1) - t(row);
                range.high = std::max(range.high, t(row) + reach_of(limit, z, after.value(c), gap));
            }
        }
        findings_.errors.together = std::max(findings_.errors.together, snapped);
        findings_.ambiguous.push_back(
            {range.low - 4 * unit_roundoff, range.high + 4 * unit_roundoff});
    }

    /// Units on their boundary at a knot whose bit differs on its two sides.
    void cross_at_knot(std::int64_t row, const SignRow& before, const SignRow& here,
                       const SignRow& after) {
        for (std::size_t word = 0; word < here.words(); ++word) {
            const std::uint64_t flips =
                here.zero(word) & (before.positive(word) ^ after.positive(word));
            for_each_bit(flips, word, [&](std::int64_t c) {
                const double bound = work_.tolerances.bound[at(c)];
                double reach = 0;
                // After another ReLU, the change is where that crossed, which is a knot.
                if (!is_exact(here.value(c))) {
                    reach = doubt_at_knot(bound, before.value(c), t(row) - t(row - 1),
                                          after.value(c), t(row + 1) - t(row));
                }
                const bool was_on = (before.positive(word) >> (c % word_bits) & 1) != 0;
                findings_.events.push_back(
                    {t(row), reach + state_.table.error_at(t(row)) + 4 * unit_roundoff, node_.layer,
                     bit(c), static_cast<std::int8_t>(was_on ? -1 : 1)});
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
        Root root{};
        root.low = t(row);
        root.high = t(row + 1);
        const double change = std::fabs(right - left);
        const double gap = root.high - root.low;
        place_root(root, left / (left - right));
        root.snap = work_.tolerances.snap[at(column)] / change * gap + 4 * unit_roundoff;
        root.error = work_.tolerances.bound[at(column)] / change * gap + 4 * unit_roundoff;
        root.slope = change / gap;
        root.reach = std::max(std::fabs(left), std::fabs(right));
        root.off = left < 0 ? -1 : bit(column);
        root.on = left < 0 ? bit(column) : -1;
        root.cell = static_cast<std::int32_t>(block_.cell);
        root.column = static_cast<std::int32_t>(column);
        root.threshold = static_cast<std::int32_t>(threshold_);
        findings_.roots.push_back(root);
    }

    const State& state_;
    const Node& node_;
    CellWork& work_;
    RowBlock block_;
    std::int64_t threshold_;
    const double* levels_;
    bool shifted_;
    Findings& findings_;
};

/// A ReLU-like layer, all of its cells.
class PiecesLayer {
public:
    PiecesLayer(State& state, Index number)
        : state_(state), number_(number), node_(state.program.node(number)) {}

    void run() {
        begin_cells();
        std::vector<Root> roots;
        KinkErrors errors;
        find(roots, errors);
        auto by_cell = settle_layer(state_, node_, roots, errors);
        take_first_code();
        apply(std::move(by_cell));
        state_.bound(number_) =
            kink_bounds(state_.bound(node_.inputs[0]), node_.steepest, 1, errors);
        measure(state_, number_);
    }

private:
    void begin_cells() {
        for (Index i = node_.first_cell; i < node_.last_cell; ++i) {
            const PiecesCell& pieces = node_.pieces[at(i - node_.first_cell)];
            const CellState* source = pieces.cell < 0 ? nullptr : &state_.cell(pieces.cell);
            CellWork work{};
            work.pieces = &pieces;
            work.cell = &state_.program.cell(i);
            work.knots = source ? source->knots : state_.ends;
            work.source = source ? &source->values : nullptr;
            work.exact_zeros = source && state_.program.cell(pieces.cell).exact_zeros;
            work.tolerances = tolerances_of(state_, pieces);
            work.first.resize(at(node_.thresholds));
            works_.push_back(std::move(work));
            widths_.push_back(works_.back().width());
        }
    }

    void find(std::vector<Root>& roots, KinkErrors& errors) {
        std::vector<std::int64_t> rows;
        std::int64_t values = 0;
        for (const CellWork& work : works_) {
            rows.push_back(work.old_rows());
            values += work.old_rows() * work.width() * node_.thresholds;
        }
        const std::vector<RowBlock> blocks = row_blocks(rows, widths_);
        std::vector<Findings> findings(blocks.size());
        state_.means.for_each(static_cast<std::int64_t>(blocks.size()),
                              0.6 * static_cast<double>(values), [&](std::int64_t b) {
                                  for (std::int64_t k = 0; k < node_.thresholds; ++k) {
                                      SignScan(state_, node_, works_[at(blocks[at(b)].cell)],
                                               blocks[at(b)], k, findings[at(b)])
                                          .run();
                                  }
                              });
        for (const Findings& found : findings) {
            roots.insert(roots.end(), found.roots.begin(), found.roots.end());
            state_.events.insert(state_.events.end(), found.events.begin(), found.events.end());
            state_.ambiguous.insert(state_.ambiguous.end(), found.ambiguous.begin(),
                                    found.ambiguous.end());
            errors.shift = std::max(errors.shift, found.errors.shift);
            // Blocks of several cells may have their units at one t.
            errors.together += found.errors.together;
        }
    }

    void take_first_code() {
        std::vector<std::int64_t> bits;
        for (const CellWork& work : works_) {
            for (std::int64_t k = 0; k < node_.thresholds; ++k) {
                const std::vector<std::uint64_t>& words = work.first[at(k)];
                for (std::size_t word = 0; word < words.size(); ++word) {
                    for_each_bit(words[word], word, [&](std::int64_t c) {
                        bits.push_back(work.cell->units[at(c)] * node_.thresholds + k);
                    });
                }
            }
        }
        append_code(state_, node_.bits, bits);
    }

    void apply(std::vector<std::vector<const Root*>> by_cell) {
        std::vector<std::int64_t> rows;
        std::int64_t values = 0;
        for (std::size_t i = 0; i < works_.size(); ++i) {
            CellWork& work = works_[i];
            work.roots = std::move(by_cell[i]);
            work.rows = with_roots(work.knots, work.roots);
            CellState& to = state_.cell(node_.first_cell + static_cast<Index>(i));
            to.knots = work.rows.knots;
            rows.push_back(static_cast<std::int64_t>(to.knots->size()));
            to.values = Rows(rows.back(), work.width(), state_.budget);
            values += rows.back() * work.width();
        }
        const std::vector<RowBlock> blocks = row_blocks(rows, widths_);
        state_.means.for_each(static_cast<std::int64_t>(blocks.size()),
                              0.8 * static_cast<double>(values),
                              [&](std::int64_t b) { fill(blocks[at(b)]); });
        state_.means.for_each(
            static_cast<std::int64_t>(works_.size()), 0.2 * static_cast<double>(values),
            [&](std::int64_t i) {
                find_chords(works_[at(i)], state_.cell(node_.first_cell + static_cast<Index>(i)));
            });
    }

    void fill(const RowBlock& block) {
        const CellWork& work = works_[at(block.cell)];
        Rows& to = state_.cell(node_.first_cell + static_cast<Index>(block.cell)).values;
        std::vector<double> left_scratch;
        std::vector<double> right_scratch;
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            const RowSource& source = work.rows.sources[at(row)];
            const double* left = gathered(work, source.left, left_scratch);
            const double* right =
                source.weight == 0 ? left : gathered(work, source.left + 1, right_scratch);
            put(*work.pieces, left, right, source.weight, at(work.width()), to.row(row));
            for (std::int64_t r = source.roots_begin; r < source.roots_end; ++r) {
                const Root& root = *work.roots[at(r)];
                const std::size_t i =
                    at(root.threshold) * at(work.width()) + static_cast<std::size_t>(root.column);
                to.row(row)[root.column] = work.pieces->slopes[i] * work.pieces->thresholds[i] +
                                           work.pieces->intercepts[i];
            }
        }
    }

    void put(const PiecesCell& pieces, const double* left, const double* right, double weight,
             std::size_t width, double* to) const {
        if (pieces.is_relu) {
            kernels().interpolate_relu(left, right, weight, pieces.slopes[0], width, to);
            return;
        }
        for (std::size_t c = 0; c < width; ++c) {
            const double z = left[c] + weight * (right[c] - left[c]);
            double y = pieces.slopes[c] * z + pieces.intercepts[c];
            for (std::size_t k = 0; k < at(node_.thresholds); ++k) {
                const std::size_t above = (k + 1) * width + c;
                if (z > pieces.thresholds[k * width + c]) {
                    y = pieces.slopes[above] * z + pieces.intercepts[above];
                }
            }
            to[c] = y + 0.0;  // turns -0.0 into 0.0
        }
    }

    /// Rows between two old knots where few columns have a kink lie on a chord but for those.
    void find_chords(const CellWork& work, CellState& to) const {
        if (work.width() < least_chord_width) {
            return;
        }
        const auto rows = static_cast<std::int64_t>(work.rows.sources.size());
        for (std::int64_t begin = 1; begin < rows; ++begin) {
            if (work.rows.sources[at(begin)].weight == 0) {
                continue;
            }
            std::int64_t end = begin;
            while (work.rows.sources[at(end)].weight != 0) {
                ++end;
            }
            add_chord(work, begin, end, to);
            begin = end;
        }
    }

    void add_chord(const CellWork& work, std::int64_t begin, std::int64_t end,
                   CellState& to) const {
        ChordRows chord{begin, end, {}, {}, {}};
        for (std::int64_t r = work.rows.sources[at(begin)].roots_begin;
             r < work.rows.sources[at(end - 1)].roots_end; ++r) {
            chord.columns.push_back(work.roots[at(r)]->column);
        }
        std::ranges::sort(chord.columns);
        chord.columns.erase(std::ranges::unique(chord.columns).begin(), chord.columns.end());
        if (chord.columns.size() * chord_share > at(work.width())) {
            return;
        }
        const double* const first = to.values.row(begin - 1);
        const double* const last = to.values.row(end);
        for (std::int64_t row = begin; row < end; ++row) {
            const double weight = work.rows.sources[at(row)].weight;
            chord.weights.push_back(weight);
            for (const Index c : chord.columns) {
                chord.offsets.push_back(to.values.row(row)[c] -
                                        (first[c] + weight * (last[c] - first[c])));
            }
        }
        to.chords.push_back(std::move(chord));
    }

    State& state_;
    Index number_;
    const Node& node_;
    std::vector<CellWork> works_;
    std::vector<std::int64_t> widths_;
};

}  // namespace

void run_pieces(State& state, Index number) { PiecesLayer(state, number).run(); }

}  // namespace splinecode::sweep

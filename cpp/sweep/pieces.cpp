#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "simd.hpp"
#include "sweep/piece_values.hpp"
#include "sweep/sign_scan.hpp"
#include "sweep/state.hpp"

namespace splinecode::sweep {
namespace {

/// Chords pay for cells at least as wide, whose columns cross no more often between two knots.
constexpr std::int64_t least_chord_width = 128;
constexpr std::size_t chord_share = 4;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

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
            PiecesWork work{};
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
        for (const PiecesWork& work : works_) {
            rows.push_back(work.old_rows());
            values += work.old_rows() * work.width() * node_.thresholds;
        }
        const std::vector<RowBlock> blocks = row_blocks(rows, widths_);
        std::vector<Findings> findings(blocks.size());
        state_.means.for_each(static_cast<std::int64_t>(blocks.size()),
                              0.6 * static_cast<double>(values), [&](std::int64_t b) {
                                  for (std::int64_t k = 0; k < node_.thresholds; ++k) {
                                      scan_signs(state_, node_, works_[at(blocks[at(b)].cell)],
                                                 blocks[at(b)], k, findings[at(b)]);
                                  }
                              });
        for (const Findings& found : findings) {
            roots.insert(roots.end(), found.roots.begin(), found.roots.end());
            state_.events.insert(state_.events.end(), found.events.begin(), found.events.end());
            state_.ambiguous.insert(state_.ambiguous.end(), found.ambiguous.begin(),
                                    found.ambiguous.end());
            errors.shift = std::max(errors.shift, found.errors.shift);
            // Blocks of several cells may have their units at one t, and so may thresholds.
            errors.together += static_cast<double>(node_.thresholds) * found.errors.together;
        }
    }

    void take_first_code() {
        std::vector<std::int64_t> bits;
        for (const PiecesWork& work : works_) {
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
            PiecesWork& work = works_[i];
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
        const PiecesWork& work = works_[at(block.cell)];
        Rows& to = state_.cell(node_.first_cell + static_cast<Index>(block.cell)).values;
        std::vector<double> left_scratch;
        std::vector<double> right_scratch;
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            const RowSource& source = work.rows.sources[at(row)];
            const double* left = gathered(work, source.left, left_scratch);
            const double* right =
                source.weight == 0 ? left : gathered(work, source.left + 1, right_scratch);
            put(work, left, right, source.weight, to.row(row));
            for (std::int64_t r = source.roots_begin; r < source.roots_end; ++r) {
                const Root& root = *work.roots[at(r)];
                to.row(row)[root.column] =
                    piece_rows(work).at_boundary(root.column, root.threshold);
            }
        }
    }

    PieceRows piece_rows(const PiecesWork& work) const {
        return {work.pieces->thresholds.data(), work.pieces->slopes.data(),
                work.pieces->intercepts.data(), node_.thresholds, work.width()};
    }

    void put(const PiecesWork& work, const double* left, const double* right, double weight,
             double* to) const {
        if (work.pieces->is_relu) {
            kernels().interpolate_relu(left, right, weight, work.pieces->slopes[0],
                                       at(work.width()), to);
            return;
        }
        const PieceRows rows = piece_rows(work);
        for (std::int64_t c = 0; c < work.width(); ++c) {
            to[c] = rows.at(c, left[c] + weight * (right[c] - left[c]));
        }
    }

    /// Rows between two old knots where few columns have a kink lie on a chord but for those.
    void find_chords(const PiecesWork& work, CellState& to) const {
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

    void add_chord(const PiecesWork& work, std::int64_t begin, std::int64_t end,
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
    std::vector<PiecesWork> works_;
    std::vector<std::int64_t> widths_;
};

}  // namespace

void run_pieces(State& state, Index number) { PiecesLayer(state, number).run(); }

}  // namespace splinecode::sweep

#include <algorithm>
#include <array>

#include "kernels/products_shape.hpp"
#include "simd.hpp"
#include "sweep/state.hpp"

namespace splinecode::sweep {
namespace {

/// Rows whose packed factors stay in the second cache while a panel of the matrix passes.
constexpr std::int64_t block_rows = 128;
constexpr std::int64_t tile = static_cast<std::int64_t>(products::rows);
constexpr std::int64_t panel = static_cast<std::int64_t>(products::panel);
constexpr std::int64_t shared_panels = 8;
constexpr double product_ns = 0.03;
constexpr double copy_ns = 0.3;
constexpr double between_ns = 0.5;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Factors of up to products::rows rows, without the columns that are zero in all of them.
struct PackedTile {
    std::vector<double> factors;
    std::vector<Index> index;
    std::size_t count = 0;
    std::size_t rows = 0;

    void pack(const double* const* row, std::size_t n_rows, const DenseTerm& term) {
        const std::size_t n = term.columns->size();
        // One more: a column is written before it is known to be zero.
        if (factors.size() < products::rows * (n + 1)) {
            factors.resize(products::rows * (n + 1));
            index.resize(n + 1 + products::ahead);
        }
        rows = n_rows;
        count = kernels().pack_nonzero(row, n_rows, term.columns->data(), term.rows->data(), n,
                                       factors.data(), index.data());
        std::fill_n(index.begin() + static_cast<std::ptrdiff_t>(count), products::ahead, 0);
    }
};

/// The cell of an affine step, being made.
class Combining {
public:
    Combining(State& state, const Means& means, const AffineCell& cell, CellState& to)
        : state_(state),
          means_(means),
          cell_(cell),
          to_(to),
          width_(static_cast<std::int64_t>(cell.bias.size())) {}

    void run() {
        collect();
        to_.values = Rows(rows_of(to_.knots), width_, state_.budget);
        for_each_row(to_.values.rows(), copy_ns,
                     [&](std::int64_t row) { std::ranges::copy(cell_.bias, to_.values.row(row)); });
        // What has the knots of the result goes straight into it, and chords need it to come first.
        for (const Group& group : groups_) {
            if (group.knots == to_.knots) {
                add(group, to_.values);
            }
        }
        for (const Group& group : groups_) {
            if (group.knots != to_.knots) {
                Rows part(rows_of(group.knots), width_, state_.budget);
                std::fill_n(part.row(0), part.rows() * width_, 0.0);
                add(group, part);
                spread_out(group, part);
            }
        }
    }

private:
    /// Terms of cells that share their knots.
    struct Group {
        Knots knots;
        std::vector<const DenseTerm*> dense;
        std::vector<const DiagonalTerm*> diagonal;
    };

    static std::int64_t rows_of(const Knots& knots) {
        return static_cast<std::int64_t>(knots->size());
    }

    /// Calls visit(row) for rows [0, rows), in blocks; `ns` is what a value costs.
    template <class Visit>
    void for_each_row(std::int64_t rows, double ns, const Visit& visit) const {
        const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
        means_.for_each(blocks, ns * static_cast<double>(rows * width_), [&](std::int64_t block) {
            const std::int64_t end = std::min(rows, (block + 1) * block_rows);
            for (std::int64_t row = block * block_rows; row < end; ++row) {
                visit(row);
            }
        });
    }

    void collect() {
        for (const DenseTerm& term : cell_.dense) {
            group_of(term.cell).dense.push_back(&term);
        }
        for (const DiagonalTerm& term : cell_.diagonal) {
            group_of(term.cell).diagonal.push_back(&term);
        }
        std::vector<Knots> lists{state_.ends};
        for (const Group& group : groups_) {
            lists.push_back(group.knots);
        }
        to_.knots = united(std::move(lists));
    }

    Group& group_of(Index cell) {
        const Knots& knots = state_.cell(cell).knots;
        const auto known = std::ranges::find(groups_, knots, &Group::knots);
        return known != groups_.end() ? *known : groups_.emplace_back(Group{knots, {}, {}});
    }

    void add(const Group& group, Rows& to) {
        const bool one_cell =
            group.diagonal.empty() && std::ranges::all_of(group.dense, [&](const DenseTerm* term) {
                return term->cell == group.dense.front()->cell;
            });
        static const std::vector<ChordRows> none;
        const std::vector<ChordRows>& chords =
            one_cell && !group.dense.empty() ? state_.cell(group.dense.front()->cell).chords : none;
        const std::vector<std::int64_t> rows = rows_without(chords, to.rows());
        for (const DenseTerm* term : group.dense) {
            multiply(*term, rows, to);
        }
        means_.for_each(static_cast<std::int64_t>(chords.size()),
                        between_ns * static_cast<double>(width_) *
                            static_cast<double>(to.rows() - static_cast<std::int64_t>(rows.size())),
                        [&](std::int64_t i) { follow(chords[at(i)], group.dense, to); });
        for (const DiagonalTerm* term : group.diagonal) {
            add_diagonal(*term, to);
        }
    }

    static std::vector<std::int64_t> rows_without(const std::vector<ChordRows>& chords,
                                                  std::int64_t rows) {
        std::vector<std::int64_t> kept;
        kept.reserve(at(rows));
        std::int64_t row = 0;
        for (const ChordRows& chord : chords) {
            for (; row < chord.begin; ++row) {
                kept.push_back(row);
            }
            row = chord.end;
        }
        for (; row < rows; ++row) {
            kept.push_back(row);
        }
        return kept;
    }

    void multiply(const DenseTerm& term, const std::vector<std::int64_t>& rows, Rows& to) {
        const auto count = static_cast<std::int64_t>(rows.size());
        const std::int64_t blocks = (count + block_rows - 1) / block_rows;
        const PanelMatrix& matrix = state_.program.matrix(term.matrix);
        // Few rows: threads share the columns.
        const std::int64_t step = blocks >= 2 * threads() ? matrix.panels() : shared_panels;
        const std::int64_t parts = (matrix.panels() + step - 1) / step;
        const double work = product_ns * static_cast<double>(count) *
                            static_cast<double>(term.columns->size()) *
                            static_cast<double>(matrix.columns);
        means_.for_each(blocks * parts, work, [&](std::int64_t task) {
            const std::int64_t begin = task / parts * block_rows;
            const std::int64_t first = task % parts * step;
            multiply_block(term, rows.data() + begin, std::min(block_rows, count - begin), first,
                           std::min(first + step, matrix.panels()), to);
        });
    }

    /// Adds the products of up to block_rows rows with panels [first, last) of the matrix.
    void multiply_block(const DenseTerm& term, const std::int64_t* rows, std::int64_t count,
                        std::int64_t first, std::int64_t last, Rows& to) {
        thread_local std::array<PackedTile, block_rows / tile> tiles;
        const Rows& from = state_.cell(term.cell).values;
        const std::int64_t n_tiles = (count + tile - 1) / tile;
        for (std::int64_t t = 0; t < n_tiles; ++t) {
            const double* row[products::rows];
            const std::int64_t here = std::min(tile, count - t * tile);
            for (std::int64_t r = 0; r < here; ++r) {
                row[r] = from.row(rows[t * tile + r]);
            }
            tiles[at(t)].pack(row, at(here), term);
        }
        const PanelMatrix& matrix = state_.program.matrix(term.matrix);
        for (std::int64_t p = first; p < last; ++p) {
            const auto columns = at(std::min(panel, matrix.columns - p * panel));
            for (std::int64_t t = 0; t < n_tiles; ++t) {
                add_tile(tiles[at(t)], matrix.panel(p), columns, rows + t * tile,
                         term.to + p * panel, to);
            }
        }
    }

    /// Rows that follow each other are added in place.
    void add_tile(const PackedTile& packed, const double* from, std::size_t columns,
                  const std::int64_t* rows, std::int64_t column, Rows& to) const {
        const bool consecutive =
            rows[packed.rows - 1] - rows[0] == static_cast<std::int64_t>(packed.rows) - 1;
        if (consecutive) {
            kernels().multiply_panel(packed.factors.data(), packed.index.data(), packed.count, from,
                                     to.row(rows[0]) + column, at(width_), packed.rows, columns);
            return;
        }
        double sums[products::rows * products::panel];
        for (std::size_t r = 0; r < packed.rows; ++r) {
            std::copy_n(to.row(rows[r]) + column, columns, sums + r * products::panel);
        }
        kernels().multiply_panel(packed.factors.data(), packed.index.data(), packed.count, from,
                                 sums, products::panel, packed.rows, columns);
        for (std::size_t r = 0; r < packed.rows; ++r) {
            std::copy_n(sums + r * products::panel, columns, to.row(rows[r]) + column);
        }
    }

    /// The rows of a chord: between their neighbours, plus the products of the columns that differ.
    void follow(const ChordRows& chord, const std::vector<const DenseTerm*>& terms, Rows& to) {
        for (std::int64_t row = chord.begin; row < chord.end; ++row) {
            kernels().put_between(to.row(chord.begin - 1), to.row(chord.end),
                                  chord.weights[at(row - chord.begin)], at(width_), to.row(row));
        }
        for (const DenseTerm* term : terms) {
            add_offsets(chord, *term, to);
        }
    }

    void add_offsets(const ChordRows& chord, const DenseTerm& term, Rows& to) {
        std::vector<Index> index;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < chord.columns.size(); ++i) {
            const auto range = std::ranges::equal_range(*term.columns, chord.columns[i]);
            for (auto found = range.begin(); found != range.end(); ++found) {
                index.push_back((*term.rows)[at(found - term.columns->begin())]);
                places.push_back(i);
            }
        }
        const std::size_t n = index.size();
        index.resize(n + products::ahead);
        const PanelMatrix& matrix = state_.program.matrix(term.matrix);
        std::vector<double> factors(products::rows * n);
        for (std::int64_t begin = chord.begin; begin < chord.end; begin += tile) {
            const std::int64_t count = std::min(tile, chord.end - begin);
            for (std::int64_t r = 0; r < count; ++r) {
                const double* offsets =
                    chord.offsets.data() + at(begin + r - chord.begin) * chord.columns.size();
                for (std::size_t i = 0; i < n; ++i) {
                    factors[i * products::rows + at(r)] = offsets[places[i]];
                }
            }
            for (std::int64_t p = 0; p < matrix.panels(); ++p) {
                kernels().multiply_panel(factors.data(), index.data(), n, matrix.panel(p),
                                         to.row(begin) + term.to + p * panel, at(width_), at(count),
                                         at(std::min(panel, matrix.columns - p * panel)));
            }
        }
    }

    void add_diagonal(const DiagonalTerm& term, Rows& to) {
        const Rows& from = state_.cell(term.cell).values;
        const std::size_t n = term.from.size();
        for (std::int64_t row = 0; row < to.rows(); ++row) {
            const double* const source = from.row(row);
            double* const target = to.row(row);
            for (std::size_t i = 0; i < n; ++i) {
                target[term.to[i]] += term.weights[i] * source[term.from[i]];
            }
        }
    }

    /// Adds a part that is known at its own knots to all rows.
    void spread_out(const Group& group, const Rows& part) {
        const Between place = between(*group.knots, *to_.knots);
        for_each_row(to_.values.rows(), between_ns, [&](std::int64_t row) {
            const std::int64_t left = place.row[at(row)];
            const std::int64_t right = std::min(left + 1, part.rows() - 1);
            kernels().add_between(part.row(left), part.row(right), place.weight[at(row)],
                                  at(width_), to_.values.row(row));
        });
    }

    State& state_;
    const Means& means_;
    const AffineCell& cell_;
    CellState& to_;
    std::int64_t width_;
    std::vector<Group> groups_;
};

}  // namespace

void run_affine(State& state, Index number) {
    const Node& node = state.program.node(number);
    const std::int64_t n = node.last_cell - node.first_cell;
    double sums = 0;
    for (const AffineCell& cell : node.affine) {
        sums = std::max(sums, static_cast<double>(cell.dense.size() + cell.diagonal.size()));
    }
    const auto combine = [&](std::int64_t i, const Means& means) {
        Combining(state, means, node.affine[at(i)],
                  state.cell(node.first_cell + static_cast<Index>(i)))
            .run();
    };
    if (n == 1) {
        combine(0, state.means);
    } else {
        const Means inside{false, {}};
        const auto knots = static_cast<double>(state.table.knots().size());
        state.means.for_each(n, 0.1 * node.row_cost * knots,
                             [&](std::int64_t i) { combine(i, inside); });
    }
    const std::vector<Bounds> from = state.bounds_of(node.inputs);
    state.bound(number) = node.sum
                              ? sum_bounds(from)
                              : affine_bounds(node.norms, from[0], sums,
                                              state.tolerances[static_cast<std::size_t>(number)]);
    // Smaller values cannot have overflowed.
    if (node.needs_sizes || !(state.bound(number).size2 < 1e290)) {
        measure(state, number);
    }
}

}  // namespace splinecode::sweep

#include "sweep/segment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "codes.hpp"
#include "simd.hpp"
#include "sweep/norm_rules.hpp"

namespace splinecode::sweep {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

void measure(State& state, Index number) {
    const Node& node = state.program.node(number);
    const std::int64_t n = node.last_cell - node.first_cell;
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> widths;
    for (Index i = node.first_cell; i < node.last_cell; ++i) {
        rows.push_back(state.cell(i).values.rows());
        widths.push_back(state.cell(i).values.width());
    }
    const std::vector<RowBlock> blocks = row_blocks(rows, widths);
    std::vector<double> block_norms(blocks.size());
    std::vector<double> block_largest(blocks.size());
    const auto knots = static_cast<double>(state.table.knots().size());
    state.means.for_each(
        static_cast<std::int64_t>(blocks.size()), 0.1 * knots * static_cast<double>(node.size()),
        [&](std::int64_t b) {
            const RowBlock& block = blocks[at(b)];
            const Rows& values =
                state.cell(node.first_cell + static_cast<Index>(block.cell)).values;
            for (std::int64_t row = block.begin; row < block.end; ++row) {
                double squares = 0;
                double most = 0;
                kernels().row_size(values.row(row), at(values.width()), &squares, &most);
                const double norm = norm_of(squares, most, values.width());
                if (!(norm <= std::numeric_limits<double>::max())) {
                    throw Overflow(number);
                }
                block_norms[at(b)] = std::max(block_norms[at(b)], norm);
                block_largest[at(b)] = std::max(block_largest[at(b)], most);
            }
        });
    std::vector<double> norms(at(n));
    std::vector<double> largest(at(n));
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const std::size_t cell = at(blocks[b].cell);
        norms[cell] = std::max(norms[cell], block_norms[b]);
        largest[cell] = std::max(largest[cell], block_largest[b]);
    }
    Bounds& bounds = state.bound(number);
    bounds.sizeinf = largest.empty() ? 0 : *std::ranges::max_element(largest);
    double squares = 0;
    for (const double norm : norms) {
        const double share = bounds.sizeinf > 0 ? norm / bounds.sizeinf : 0;
        squares += share * share;
    }
    bounds.size2 = n == 1 ? norms[0] : bounds.sizeinf * std::sqrt(squares);
}

std::vector<std::vector<const Root*>> settle_layer(State& state, const Node& node,
                                                   std::vector<Root>& roots, KinkErrors& errors) {
    Settled settled = settle(roots, state.table);
    errors.shift = std::max(errors.shift, settled.shift);
    errors.together += settled.together;  // they may be at one t
    state.ambiguous.insert(state.ambiguous.end(), settled.ambiguous.begin(),
                           settled.ambiguous.end());
    std::vector<std::vector<const Root*>> by_cell(at(node.last_cell - node.first_cell));
    for (const Root& root : roots) {
        if (root.off >= 0) {
            state.events.push_back({root.t, root.error, node.layer, root.off, -1});
        }
        if (root.on >= 0) {
            state.events.push_back({root.t, root.error, node.layer, root.on, +1});
        }
        if (!root.at_knot) {
            by_cell[at(root.cell)].push_back(&root);
        }
    }
    for (auto& mine : by_cell) {
        std::ranges::sort(mine, [](const Root* a, const Root* b) {
            return a->t != b->t ? a->t < b->t : a < b;  // of one array
        });
    }
    return by_cell;
}

NewRows with_roots(const Knots& knots, const std::vector<const Root*>& roots) {
    NewRows rows;
    const auto n_roots = static_cast<std::int64_t>(roots.size());
    if (roots.empty()) {
        rows.knots = knots;
    }
    auto all = std::make_shared<std::vector<double>>();
    all->reserve(knots->size() + roots.size());
    rows.sources.reserve(knots->size() + roots.size());
    std::int64_t root = 0;
    for (std::size_t i = 0; i < knots->size(); ++i) {
        const double knot = (*knots)[i];
        while (root < n_roots && roots[at(root)]->t < knot) {
            const double t = roots[at(root)]->t;
            const std::int64_t begin = root;
            while (root < n_roots && roots[at(root)]->t == t) {
                ++root;
            }
            const double low = (*knots)[i - 1];
            all->push_back(t);
            rows.sources.push_back(
                {static_cast<std::int64_t>(i) - 1, (t - low) / (knot - low), begin, root});
        }
        all->push_back(knot);
        rows.sources.push_back({static_cast<std::int64_t>(i), 0, root, root});
    }
    if (!rows.knots) {
        rows.knots = std::move(all);
    }
    return rows;
}

std::vector<RowBlock> row_blocks(const std::vector<std::int64_t>& rows,
                                 const std::vector<std::int64_t>& widths) {
    constexpr std::int64_t block_values = 1 << 16;
    std::vector<RowBlock> blocks;
    for (std::size_t cell = 0; cell < rows.size(); ++cell) {
        const std::int64_t step =
            std::max<std::int64_t>(1, block_values / std::max<std::int64_t>(1, widths[cell]));
        for (std::int64_t row = 0; row < rows[cell]; row += step) {
            blocks.push_back(
                {static_cast<std::int64_t>(cell), row, std::min(row + step, rows[cell])});
        }
    }
    return blocks;
}

void append_code(State& state, std::int64_t n_bits, const std::vector<std::int64_t>& bits) {
    const std::size_t first = state.first_code.size();
    state.first_code.resize(first + at(words_for(n_bits)));
    for (const std::int64_t bit : bits) {
        state.first_code[first + at(bit / word_bits)] |= bit_in_word(bit);
    }
}

namespace {

/// Values of the last node at the knots of the segment.
std::vector<double> outputs(const State& state, const std::vector<double>& knots) {
    const Node& last = state.program.nodes().back();
    const std::int64_t width = last.size();
    std::vector<double> out(knots.size() * at(width));
    std::vector<std::vector<std::int64_t>> by_cell(state.cells.size());
    for (std::int64_t unit = 0; unit < width; ++unit) {
        const Index cell = last.units[at(unit)].cell;
        if (cell >= 0) {
            by_cell[at(cell)].push_back(unit);
        }
    }
    for (std::size_t c = 0; c < by_cell.size(); ++c) {
        if (by_cell[c].empty()) {
            continue;
        }
        const CellState& cell = state.cells[c];
        const Between place = between(*cell.knots, knots);
        for (std::size_t k = 0; k < knots.size(); ++k) {
            const std::int64_t left = place.row[k];
            const double* const from = cell.values.row(left);
            const double* const next = cell.values.row(std::min(left + 1, cell.values.rows() - 1));
            for (const std::int64_t unit : by_cell[c]) {
                const auto column = at(last.units[at(unit)].column);
                out[k * at(width) + at(unit)] =
                    from[column] + place.weight[k] * (next[column] - from[column]);
            }
        }
    }
    return out;
}

void need_finite(const std::vector<double>& values, Index node) {
    if (!std::ranges::all_of(values, [](double x) { return std::isfinite(x); })) {
        throw Overflow(node);
    }
}

/// Orders crossings by (t, layer, unit) and drops opposite flips of a bit at one t.
void order(std::vector<Event>& events) {
    std::ranges::sort(events, [](const Event& a, const Event& b) {
        return std::tie(a.t, a.layer, a.unit, a.direction) <
               std::tie(b.t, b.layer, b.unit, b.direction);
    });
    std::vector<Event> kept;
    kept.reserve(events.size());
    for (const Event& event : events) {
        if (!kept.empty() && kept.back().t == event.t && kept.back().layer == event.layer &&
            kept.back().unit == event.unit) {
            kept.pop_back();
        } else {
            kept.push_back(event);
        }
    }
    events = std::move(kept);
}

void make_input(State& state, const Input& input, double begin, double end) {
    const Node& node = state.program.node(0);
    const std::int64_t width = node.size();
    CellState& cell = state.cell(node.first_cell);
    cell.knots = state.ends;
    cell.values = Rows(2, width, state.budget);
    for (std::int64_t i = 0; i < width; ++i) {
        const double a = input.a[i];
        const double b = input.b[i];
        cell.values.row(0)[i] = begin == 0 ? a : a + begin * (b - a);
        cell.values.row(1)[i] = end == 1 ? b : a + end * (b - a);
    }
    measure(state, 0);
    Bounds& bounds = state.bound(0);
    if (begin != 0 || end != 1) {
        double largest = 0;
        for (std::int64_t i = 0; i < width; ++i) {
            largest = std::max({largest, std::fabs(input.a[i]), std::fabs(input.b[i])});
        }
        bounds.einf = bounds.snapinf = 6 * unit_roundoff * largest;
        bounds.e2 = bounds.einf * std::sqrt(static_cast<double>(width)) * 1.01;
    }
}

void run_view(State& state, Index number) {
    const Node& node = state.program.node(number);
    state.bound(number) = view_bounds(state.bounds_of(node.inputs), node.multiplicity);
}

void run_node(State& state, Index number) {
    switch (state.program.node(number).kind) {
        case Kind::input: break;
        case Kind::view: return run_view(state, number);
        case Kind::affine: return run_affine(state, number);
        case Kind::pieces: return run_pieces(state, number);
        case Kind::max: return run_max(state, number);
    }
}

/// Marks enclosures of crossings at different t that overlap: they are not proven to be in order.
void mark_close(const std::vector<Event>& events, std::vector<Range>& ambiguous) {
    std::vector<const Event*> by_low(events.size());
    std::ranges::transform(events, by_low.begin(), [](const Event& event) { return &event; });
    std::ranges::sort(by_low, [](const Event* a, const Event* b) {
        const double low_a = a->t - a->error;
        const double low_b = b->t - b->error;
        return low_a != low_b ? low_a < low_b : a < b;  // of one array
    });
    for (auto event = by_low.begin(); event != by_low.end();) {
        const double t = (*event)->t;
        Range range{t - (*event)->error, t + (*event)->error};
        bool distinct = false;
        for (++event; event != by_low.end() && (*event)->t - (*event)->error <= range.high;
             ++event) {
            range.high = std::max(range.high, (*event)->t + (*event)->error);
            distinct = distinct || (*event)->t != t;
        }
        if (distinct) {
            ambiguous.push_back(range);
        }
    }
}

/// The code of the last piece: that of the first with all crossings done.
std::vector<std::uint64_t> flipped(std::vector<std::uint64_t> code, const Program& program,
                                   const std::vector<Event>& events) {
    std::vector<std::int64_t> first_word;
    std::int64_t words = 0;
    for (const Node& node : program.nodes()) {
        if (node.layer >= 0) {
            first_word.push_back(words);
            words += words_for(node.bits);
        }
    }
    for (const Event& event : events) {
        code[at(first_word[at(event.layer)] + event.unit / word_bits)] ^= bit_in_word(event.unit);
    }
    return code;
}

}  // namespace

Window sweep_window(const Program& program, const Input& input, double begin, double end,
                    Budget& budget, const Means& means) {
    State state(program, begin, end, budget, means);
    make_input(state, input, begin, end);
    for (std::size_t n = 0; n < program.nodes().size(); ++n) {
        run_node(state, static_cast<Index>(n));
        for (const Index cell : program.released_after(static_cast<Index>(n))) {
            state.cell(cell) = CellState{};
        }
    }
    Window window;
    order(state.events);
    mark_close(state.events, state.ambiguous);
    window.knots.push_back(begin);
    for (const Event& event : state.events) {
        if (event.t > window.knots.back() && event.t < end) {
            window.knots.push_back(event.t);
        }
    }
    window.knots.push_back(end);
    window.values = outputs(state, window.knots);
    need_finite(window.values, static_cast<Index>(program.nodes().size() - 1));
    window.last_code = flipped(state.first_code, program, state.events);
    window.first_code = std::move(state.first_code);
    window.events = std::move(state.events);
    window.ambiguous = std::move(state.ambiguous);
    window.assumed = std::move(state.assumed);
    return window;
}

}  // namespace splinecode::sweep

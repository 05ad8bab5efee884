#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "check.hpp"
#include "kernels/products_shape.hpp"
#include "levels.hpp"
#include "memory.hpp"
#include "sweep/sweep.hpp"

using namespace splinecode;
using namespace splinecode::sweep;

namespace {

std::vector<double> random_values(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<double> values(n);
    for (double& value : values) {
        value = static_cast<double>(random() % 9) - 4;
    }
    return values;
}

Norms loose_norms(std::size_t units, double row) {
    return {std::vector<double>(units, row),
            std::vector<double>(units, row),
            std::vector<double>(units, row),
            row,
            row,
            row,
            row};
}

/// A chain of random Linear and ReLU steps.
Program mlp(const std::vector<std::int64_t>& widths) {
    Program program;
    Index last = program.add_input(widths[0]);
    for (std::size_t i = 1; i < widths.size(); ++i) {
        const auto n = static_cast<std::size_t>(widths[i]);
        const auto weight =
            random_values(n * static_cast<std::size_t>(widths[i - 1]), static_cast<unsigned>(i));
        const auto bias = random_values(n, static_cast<unsigned>(i) + 100);
        last = program.add_linear(last, weight.data(), bias.data(), widths[i], widths[i - 1],
                                  loose_norms(n, 4 * static_cast<double>(widths[i - 1])));
        if (i + 1 < widths.size()) {
            const std::vector<double> zero(n);
            std::vector<double> slopes(2 * n, 0);
            std::fill(slopes.begin() + static_cast<std::ptrdiff_t>(n), slopes.end(), 1);
            last = program.add_pieces(last, 1, zero.data(), slopes.data(),
                                      std::vector<double>(2 * n).data());
        }
    }
    program.finish();
    return program;
}

Window swept(const Program& program, const std::vector<double>& a, const std::vector<double>& b,
             std::int64_t max_bytes = 1 << 30) {
    return sweep_segments(program, {1, a.data(), b.data()}, max_bytes, {})[0];
}

Root root_at(double t, double snap, std::int32_t cell = 0) {
    Root root{};
    root.t = t;
    root.snap = root.error = snap;
    root.slope = root.reach = 1;
    root.high = 1;
    root.cell = cell;
    return root;
}

Knots knots(std::vector<double> t) {
    return std::make_shared<const std::vector<double>>(std::move(t));
}

}  // namespace

TEST(products_are_those_of_the_scalar_level) {
    constexpr std::size_t n = 37;
    const auto a = random_values(products::rows * n, 1);
    const auto b = random_values(products::panel * n, 2);
    std::vector<Index> index(n + products::ahead);
    for (std::size_t i = 0; i < n; ++i) {
        index[i] = static_cast<Index>((5 * i) % n);
    }
    for (std::size_t rows = 1; rows <= products::rows; ++rows) {
        for (std::size_t columns = 1; columns <= products::panel; ++columns) {
            std::vector<double> wanted(rows * columns, 1);
            for (std::size_t r = 0; r < rows; ++r) {
                for (std::size_t j = 0; j < columns; ++j) {
                    for (std::size_t i = 0; i < n; ++i) {
                        wanted[r * columns + j] +=
                            a[products::rows * i + r] *
                            b[products::panel * static_cast<std::size_t>(index[i]) + j];
                    }
                }
            }
            at_every_level([&] {
                std::vector<double> out(rows * columns, 1);
                kernels().multiply_panel(a.data(), index.data(), n, b.data(), out.data(), columns,
                                         rows, columns);
                CHECK(out == wanted);
            });
        }
    }
}

TEST(packing_leaves_out_columns_that_are_zero_in_all_rows) {
    at_every_level([] {
        const std::vector<double> first{0, 1, -0.0, 3};
        const std::vector<double> second{0, 0, 0, 4};
        const double* const rows[] = {first.data(), second.data()};
        const std::vector<Index> columns{3, 2, 1, 0};
        const std::vector<Index> index{7, 6, 5, 4};
        std::vector<double> packed(products::rows * 5);
        std::vector<Index> kept(5);
        CHECK_EQ(kernels().pack_nonzero(rows, 2, columns.data(), index.data(), 4, packed.data(),
                                        kept.data()),
                 2u);
        CHECK(kept[0] == 7 && kept[1] == 5);
        CHECK(packed[0] == 3 && packed[1] == 4 && packed[products::rows] == 1);
    });
}

TEST(unions_keep_a_list_that_holds_the_others) {
    const Knots whole = knots({0, 0.25, 0.5, 1});
    CHECK(united({knots({0, 1}), whole, knots({0, 0.5, 1})}) == whole);
    // The first of equals, wherever they lie in memory.
    const Knots same = knots(*whole);
    CHECK(united({whole, same, whole}) == whole);
    CHECK(united({same, whole, knots({0, 1})}) == same);
    CHECK((*united({knots({0, 0.5, 1}), knots({0, 0.25, 1})}) ==
           std::vector<double>{0, 0.25, 0.5, 1}));
}

TEST(between_names_the_row_below_and_the_weight_of_the_next) {
    const Between found = between({0, 0.5, 1}, {0, 0.25, 0.5, 1});
    CHECK((found.row == std::vector<std::int32_t>{0, 0, 1, 2}));
    CHECK((found.weight == std::vector<double>{0, 0.5, 0, 0}));
}

TEST(overlapping_roots_share_the_knot_that_is_known_best) {
    KnotTable table(0, 1);
    std::vector<Root> roots{root_at(0.5 + 1e-13, 1e-12), root_at(0.25, 1e-12),
                            root_at(0.5, 1e-14, 1), root_at(0.5 - 1e-13, 1e-12, 2)};
    const Settled settled = settle(roots, table);
    CHECK(roots[0].t == 0.5 && roots[2].t == 0.5 && roots[3].t == 0.5 && roots[1].t == 0.25);
    CHECK_EQ(table.knots().size(), 4u);
    CHECK_EQ(settled.ambiguous.size(), 1u);
    CHECK_EQ(settled.together, 3);
    CHECK(settled.shift >= 1e-13 && settled.shift < 2e-13);
}

TEST(a_root_joins_a_knot_of_another_cell) {
    KnotTable table(0, 1);
    std::vector<Root> first{root_at(0.5, 1e-14)};
    settle(first, table);
    std::vector<Root> second{root_at(0.5 + 1e-13, 1e-12, 1)};
    CHECK_EQ(settle(second, table).ambiguous.size(), 1u);
    CHECK_EQ(second[0].t, 0.5);
    CHECK_EQ(table.knots().size(), 3u);
}

TEST(a_fuzzy_root_does_not_pull_sharp_ones_together) {
    KnotTable table(0, 1);
    std::vector<Root> roots{root_at(0.25, 1e-12), root_at(0.75, 1e-12), root_at(0.4, 0.5)};
    settle(roots, table);
    CHECK(roots[0].t == 0.25 && roots[1].t == 0.75);
    CHECK_EQ(table.knots().size(), 4u);
}

TEST(a_root_without_a_number_between_its_knots_lies_at_one) {
    Root root{};
    root.low = 0.5;
    root.high = std::nextafter(0.5, 1.0);
    place_root(root, 0.7);
    CHECK(root.at_knot && root.t == root.high);
    root.high = 1;
    place_root(root, 1e-300);
    CHECK(!root.at_knot && root.t == std::nextafter(0.5, 1.0));
}

TEST(levels_and_threads_agree_bit_for_bit) {
    const Program program = mlp({3, 70, 70, 70, 2});
    const std::vector<double> a{0.1, -0.3, 0.7};
    const std::vector<double> b{-0.9, 0.2, 0.4};
    const Window wanted = swept(program, a, b);
    CHECK(wanted.events.size() > 50);
    at_every_level([&] {
        for (const int n : {1, 3}) {
            set_threads(n);
            const Window found = swept(program, a, b);
            CHECK(found.knots == wanted.knots && found.values == wanted.values);
            CHECK(found.first_code == wanted.first_code && found.last_code == wanted.last_code);
        }
        set_threads(0);
    });
}

TEST(windows_find_what_a_whole_sweep_finds) {
    const Program program = mlp({2, 20, 20, 1});
    const std::vector<double> a{0.3, -0.7};
    const std::vector<double> b{-0.9, 1.1};
    const Window whole = swept(program, a, b);
    const Window parts = swept(program, a, b, 20 * 20 * 8);
    CHECK_EQ(parts.events.size(), whole.events.size());
    CHECK_EQ(parts.knots.size(), whole.knots.size());
    CHECK(parts.last_code == whole.last_code);
    for (std::size_t i = 0; i < std::min(parts.events.size(), whole.events.size()); ++i) {
        CHECK(parts.events[i].unit == whole.events[i].unit &&
              std::fabs(parts.events[i].t - whole.events[i].t) < 1e-12);
    }
    CHECK_THROWS(swept(program, a, b, 100), NotEnoughMemory);
}

TEST(a_convolution_keeps_a_position_at_the_knots_it_sees) {
    Program program;
    const Index input = program.add_input(8);
    const std::vector<double> one{1};
    const std::vector<double> zero{0};
    const ConvShape shape{{1, 8}, {1}, {1}, {0}, {1}, 1, 1};
    const Index conv = program.add_conv(input, one.data(), zero.data(), shape, loose_norms(8, 1));
    const std::vector<double> level(8);
    std::vector<double> slopes(16, 0);
    std::fill(slopes.begin() + 8, slopes.end(), 1);
    program.add_pieces(conv, 1, level.data(), slopes.data(), std::vector<double>(16).data());
    program.finish();
    CHECK_EQ(program.node(conv).last_cell - program.node(conv).first_cell, 8);
    const std::vector<double> a{-1, -2, -3, -4, -5, -6, -7, -8};
    const std::vector<double> b(8, 1.0);
    const Window found = swept(program, a, b);
    CHECK_EQ(found.events.size(), 8u);
    CHECK_EQ(found.events[0].t, 0.5);
    CHECK_EQ(found.knots.size(), 10u);
}

TEST(maxima_walk_the_upper_envelope) {
    // Elements 2 - 4t, 1, 4t - 2 (and no unit): 0 leads until 1/4, 1 until 3/4, then 2.
    Program program;
    const Index input = program.add_input(3);
    const std::vector<std::int64_t> index{0, 1, -1, 2};
    program.add_max(input, index.data(), 1, 4);
    program.finish();
    const Window found = swept(program, {2, 1, -2}, {-2, 1, 2});
    CHECK((found.knots == std::vector<double>{0, 0.25, 0.75, 1}));
    CHECK((found.values == std::vector<double>{2, 1, 1, 2}));
    CHECK_EQ(found.first_code[0], 1u);
    CHECK_EQ(found.last_code[0], 8u);
    CHECK(found.ambiguous.empty());
}

TEST(programs_refuse_what_does_not_fit) {
    Program program;
    const Index input = program.add_input(3);
    const std::vector<double> values(8);
    CHECK_THROWS(program.add_linear(input, values.data(), values.data(), 2, 2, {}),
                 std::invalid_argument);
    CHECK_THROWS(program.add_sum({input, 7}), std::out_of_range);
    const std::vector<std::int64_t> index{0, 3};
    CHECK_THROWS(program.add_view({input}, index.data(), 2), std::out_of_range);
    CHECK_THROWS(program.add_max(input, index.data(), 1, 2), std::out_of_range);
    const std::vector<std::int64_t> nothing{-1};
    CHECK_THROWS(program.add_max(input, nothing.data(), 1, 1), std::invalid_argument);
}

TEST(values_that_overflow_are_refused) {
    Program program;
    const Index input = program.add_input(1);
    const std::vector<double> huge{1e200};
    const std::vector<double> zero{0};
    const Index last =
        program.add_linear(input, huge.data(), zero.data(), 1, 1, loose_norms(1, 1e200));
    program.add_linear(last, huge.data(), zero.data(), 1, 1, loose_norms(1, 1e200));
    program.finish();
    CHECK_THROWS(swept(program, {1}, {2}), Overflow);
}

TEST(blocks_of_memory_are_kept_and_freed) {
    Pool pool;
    Budget budget(1 << 20, pool);
    const double* first = nullptr;
    {
        const Rows rows(1000, 100, budget);
        first = rows.row(0);
    }
    const Rows again(1000, 100, budget);
    CHECK(again.row(0) == first);
    CHECK_THROWS(Rows(1000, 100, budget), OverBudget);
    pool.shrink(0);
}

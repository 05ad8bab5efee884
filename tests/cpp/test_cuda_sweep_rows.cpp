// The kernels of a sweep's rows and affine steps, on the emulator, against plain loops.

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "cuda_tests.hpp"
#include "drawn_sweep.hpp"
#include "ordered_bits.hpp"
#include "sweep_rows.hpp"

namespace {

using namespace splinecode;

/// Whether a sum of T, rounded once, may be `got`.
template <class T>
bool close(T got, double wanted, double size) {
    return std::fabs(static_cast<double>(got) - wanted) <=
           (static_cast<double>(std::numeric_limits<T>::epsilon()) + 1e-13) * (1 + size);
}

template <class T>
void check_gathering(Random& random) {
    const FewerBlocks fewer(random);
    const DrawnTable<T> from(random, drawn_widths(random), random.from(1, 3));
    // Pairs of lists whose knots follow each other.
    std::vector<std::int64_t> lists;
    std::vector<std::int64_t> begin{0};
    std::vector<std::int64_t> element_pair;
    std::vector<std::int32_t> row_list;
    std::vector<double> wanted;
    for (std::int64_t pair = 0; pair < random.from(0, 6); ++pair) {
        lists.push_back(random.from(0, static_cast<std::int64_t>(from.knots.size()) - 1));
        const std::vector<double>& knots = from.knots[index(lists.back())];
        wanted.insert(wanted.end(), knots.begin(), knots.end());
        element_pair.resize(wanted.size(), static_cast<std::int64_t>(lists.size()) - 1);
        begin.push_back(static_cast<std::int64_t>(wanted.size()));
    }
    row_list.assign(element_pair.begin(), element_pair.end());
    std::vector<double> t(wanted.size(), -1);
    const auto n = static_cast<std::int64_t>(t.size());
    cuda::gather_knots(from.table(), {lists.data(), begin.data(), element_pair.data(), n}, t.data(),
                       {});
    CHECK(t == wanted);

    const std::int32_t least = *std::ranges::min_element(from.widths);
    std::vector<std::int32_t> columns(index(random.one_of<std::int64_t>({0, 1, 31, 33, 70})));
    for (std::int32_t& column : columns) {
        column = static_cast<std::int32_t>(random.from(0, least - 1));
    }
    std::vector<T> x(t.size() * columns.size(), -1);
    cuda::gather_rows(from.table(), {lists.data(), begin.data(), row_list.data(), n},
                      columns.data(), static_cast<std::int64_t>(columns.size()), x.data(), {});
    bool same = true;
    for (std::size_t r = 0; r < t.size(); ++r) {
        const std::size_t list = index(lists[index(row_list[r])]);
        const std::size_t row = r - index(begin[index(row_list[r])]);
        const std::size_t width = index(from.widths[list / index(from.tracks)]);
        for (std::size_t j = 0; j < columns.size(); ++j) {
            same = same &&
                   x[r * columns.size() + j] == from.values[list][row * width + index(columns[j])];
        }
    }
    CHECK(same);
}

/// Terms of each cell of a node, and the products that they take.
template <class T>
struct DrawnProducts {
    std::vector<std::int64_t> begin{0};
    std::vector<std::int32_t> cell, from, to, width;
    std::vector<std::int64_t> y_begin;
    std::vector<T> y;
    std::int64_t columns = 40;

    DrawnProducts(Random& random, const DrawnTable<T>& table, const DrawnRows<T>& rows) {
        std::int64_t n = 0;
        for (const auto& knots : table.knots) {
            y_begin.push_back(n);
            n += static_cast<std::int64_t>(knots.size());
        }
        y = drawn_values<T>(random, index(n * columns));
        for (std::size_t c = 0; c + 1 < rows.column_begin.size(); ++c) {
            const std::int64_t room = rows.column_begin[c + 1] - rows.column_begin[c];
            const std::int64_t terms = random.one_of<std::int64_t>({0, 1, 3, 32, 33, 70});
            for (std::int64_t i = 0; i < terms; ++i) {
                const std::int64_t wide = random.from(0, std::min(room, columns));
                cell.push_back(static_cast<std::int32_t>(
                    random.from(0, static_cast<std::int64_t>(table.widths.size()) - 1)));
                width.push_back(static_cast<std::int32_t>(wide));
                from.push_back(static_cast<std::int32_t>(random.from(0, columns - wide)));
                to.push_back(static_cast<std::int32_t>(random.from(0, room - wide)));
            }
            begin.push_back(static_cast<std::int64_t>(cell.size()));
        }
    }
    cuda::ProductTerms terms() const {
        return {begin.data(), cell.data(), from.data(), to.data(), width.data()};
    }
};

/// Calls visit(row, list, cell, track, first value) for each row.
template <class T, class Visit>
void for_each_row(const DrawnRows<T>& rows, const Visit& visit) {
    const cuda::NodeRows all = rows.rows();
    for (std::int64_t row = 0; row < all.rows; ++row) {
        const std::int64_t list = rows.row_list[index(row)];
        visit(row, list, list / rows.tracks, list % rows.tracks,
              index(rows.value_begin[index(list)] +
                    (row - rows.begin[index(list)]) * all.width(list)));
    }
}

/// Every value is as it was, the bias of its column, and what `added` says; others stay.
template <class T, class Added>
void check_sums(const DrawnRows<T>& to, const std::vector<T>& before, const double* bias,
                const Added& added) {
    std::vector<bool> owned(before.size());
    bool good = true;
    for_each_row(to, [&](auto row, auto, auto cell, auto track, std::size_t first) {
        const std::int64_t column = to.column_begin[index(cell)];
        for (std::int64_t c = 0; c < to.column_begin[index(cell) + 1] - column; ++c) {
            const std::size_t i = first + index(c);
            double sum = bias ? bias[column + c] : static_cast<double>(before[i]);
            double size = std::fabs(sum);
            added(cell, track, c, to.t[index(row)], [&](double term) {
                sum += term;
                size += std::fabs(term);
            });
            good = good && close(to.values[i], sum, size);
            owned[i] = true;
        }
    });
    CHECK(good);
    for (std::size_t i = 0; i < before.size(); ++i) {
        good = good && (owned[i] || to.values[i] == before[i]);
    }
    CHECK(good);
}

template <class T>
void check_products(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t tracks = random.from(1, 3);
    const DrawnTable<T> from(random, drawn_widths(random), tracks);
    DrawnRows<T> to(random, drawn_widths(random), tracks, random.one_in(2));
    const DrawnProducts<T> products(random, from, to);
    const std::vector<double> bias = drawn_values<double>(random, index(to.column_begin.back()));
    const double* const start = random.one_in(2) ? bias.data() : nullptr;
    const std::vector<T> before = to.values;
    cuda::add_products<T>(from.table(), to.rows(), to.t.data(),
                          {products.y.data(), products.y_begin.data(), products.columns},
                          products.terms(), start, to.values.data(), {});
    check_sums(to, before, start, [&](auto cell, auto track, auto c, double t, const auto& add) {
        for (std::size_t i = index(products.begin[index(cell)]);
             i < index(products.begin[index(cell) + 1]); ++i) {
            if (products.to[i] <= c && c < products.to[i] + products.width[i]) {
                const std::size_t list = index(from.list(products.cell[i], track));
                const auto first = products.y.begin() + products.y_begin[list] * products.columns;
                const std::vector<T> rows(
                    first,
                    first + static_cast<std::int64_t>(from.knots[list].size()) * products.columns);
                add(at_knot_or_between(from.knots[list], rows, products.columns,
                                       products.from[i] + c - products.to[i], t));
            }
        }
    });
}

template <class T>
void check_entries(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t tracks = random.from(1, 3);
    const DrawnTable<T> from(random, drawn_widths(random), tracks);
    DrawnRows<T> to(random, drawn_widths(random), tracks, random.one_in(2));
    std::vector<std::int64_t> begin{0};
    std::vector<std::int32_t> cells;
    std::vector<std::int32_t> columns;
    for (std::int64_t c = 0; c < to.column_begin.back(); ++c) {
        for (std::int64_t n = random.from(0, 3); n > 0; --n) {
            cells.push_back(static_cast<std::int32_t>(
                random.from(0, static_cast<std::int64_t>(from.widths.size()) - 1)));
            columns.push_back(
                static_cast<std::int32_t>(random.from(0, from.widths[index(cells.back())] - 1)));
        }
        begin.push_back(static_cast<std::int64_t>(cells.size()));
    }
    const std::vector<double> weights = drawn_values<double>(random, cells.size());
    const std::vector<double> bias = drawn_values<double>(random, index(to.column_begin.back()));
    const double* const start = random.one_in(2) ? bias.data() : nullptr;
    const std::vector<T> before = to.values;
    cuda::add_entries<T>(from.table(), to.rows(), to.t.data(),
                         {begin.data(), cells.data(), columns.data(), weights.data()}, start,
                         to.values.data(), {});
    check_sums(to, before, start, [&](auto cell, auto track, auto c, double t, const auto& add) {
        const std::size_t column = index(to.column_begin[index(cell)] + c);
        for (std::size_t i = index(begin[column]); i < index(begin[column + 1]); ++i) {
            add(weights[i] * from.value(cells[i], track, columns[i], t));
        }
    });
}

template <class T>
void check_measure(Random& random) {
    const FewerBlocks fewer(random);
    DrawnRows<T> of(random, drawn_widths(random), random.from(1, 3), random.one_in(2));
    const bool with_nan = random.one_in(3);
    const std::size_t bad = index(random.from(0, static_cast<std::int64_t>(of.values.size()) - 1));
    if (with_nan) {
        of.values[bad] = -std::numeric_limits<T>::quiet_NaN();
    }
    std::vector<std::int64_t> norms(index(of.lists()));
    std::vector<std::int64_t> largest(norms.size());
    cuda::measure<T>(of.rows(), of.values.data(), norms.data(), largest.data(), {});
    std::vector<double> wanted_norms(norms.size());
    std::vector<double> wanted_largest(norms.size());
    std::vector<bool> has_nan(norms.size());
    for_each_row(of, [&](auto, auto list, auto, auto, std::size_t first) {
        double squares = 0;
        const std::size_t l = index(list);
        for (std::size_t i = first; i < first + index(of.rows().width(list)); ++i) {
            const double x = std::fabs(static_cast<double>(of.values[i]));
            has_nan[l] = has_nan[l] || std::isnan(x);
            squares += x * x;
            wanted_largest[l] = std::max(wanted_largest[l], x);
        }
        wanted_norms[l] = std::max(wanted_norms[l], std::sqrt(squares));
    });
    for (std::size_t l = 0; l < norms.size(); ++l) {
        const double norm = cuda::number_of_bits(norms[l]);
        const double most = cuda::number_of_bits(largest[l]);
        CHECK(has_nan[l]
                  ? std::isnan(norm) && std::isnan(most)
                  : most == wanted_largest[l] && std::fabs(norm - wanted_norms[l]) <= 1e-14 * norm);
    }
}

}  // namespace

TEST(emulated_rows_are_gathered) {
    Random random(11);
    for (int round = 0; round < rounds(12); ++round) {
        check_gathering<float>(random);
        check_gathering<double>(random);
    }
}

TEST(emulated_products_are_added_between_knots) {
    Random random(12);
    for (int round = 0; round < rounds(12); ++round) {
        check_products<float>(random);
        check_products<double>(random);
    }
}

TEST(emulated_entries_are_added_between_knots) {
    Random random(13);
    for (int round = 0; round < rounds(12); ++round) {
        check_entries<float>(random);
        check_entries<double>(random);
    }
}

TEST(emulated_rows_are_measured) {
    Random random(14);
    for (int round = 0; round < rounds(12); ++round) {
        check_measure<float>(random);
        check_measure<double>(random);
    }
    // Squares that leave the range.
    for (const double size : {1e200, 1e-200, 0.0}) {
        const std::int64_t begin[] = {0, 1};
        const std::int32_t row_list[] = {0};
        const std::int64_t zero = 0;
        const std::int64_t column_begin[] = {0, 4};
        const double values[] = {size, -size, size, -size};
        std::int64_t norm = 0;
        std::int64_t largest = 0;
        cuda::measure<double>({begin, row_list, &zero, column_begin, 1, 1}, values, &norm, &largest,
                              {});
        CHECK_EQ(cuda::number_of_bits(norm), 2 * size);
        CHECK_EQ(cuda::number_of_bits(largest), size);
    }
}

TEST(emulated_sweep_rows_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    cuda::gather_knots({}, {}, nullptr, {});
    cuda::gather_rows<float>({}, {}, nullptr, 3, nullptr, {});
    cuda::add_products<float>({}, {}, nullptr, {}, {}, nullptr, nullptr, {});
    cuda::add_entries<double>({}, {}, nullptr, {}, nullptr, nullptr, {});
    cuda::measure<double>({}, nullptr, nullptr, nullptr, {});
    CHECK_EQ(emulator::runtime.launches, launches);
    const cuda::NodeRows rows{nullptr, nullptr, nullptr, nullptr, 1, 2};
    CHECK_THROWS(cuda::add_products<float>({}, rows, nullptr, {}, {}, nullptr, nullptr, {}),
                 std::invalid_argument);
    CHECK_THROWS(cuda::add_entries<float>({}, rows, nullptr, {}, nullptr, nullptr, {}),
                 std::invalid_argument);
}

#pragma once

// Lists of a sweep as the kernels take them, drawn at random: for the tests of emulated kernels.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cuda_tests.hpp"
#include "sweep_lists.hpp"

/// A value between the knots of a list, as the specification has it.
template <class T>
double at_knot_or_between(const std::vector<double>& knots, const std::vector<T>& values,
                          std::int64_t width, std::int64_t column, double t) {
    const auto value = [&](std::size_t row) {
        return static_cast<double>(values[row * index(width) + index(column)]);
    };
    std::size_t left = 0;
    while (left + 1 < knots.size() && knots[left + 1] <= t) {
        ++left;
    }
    if (knots[left] == t) {
        return value(left);
    }
    const double weight = (t - knots[left]) / (knots[left + 1] - knots[left]);
    return value(left) + weight * (value(left + 1) - value(left));
}

/// Rising knots from 0 to 1, of a grid so coarse that lists share many.
inline std::vector<double> drawn_knots(Random& random, std::int64_t most) {
    std::vector<double> t{0, 1};
    for (std::int64_t i = random.from(0, most); i > 0; --i) {
        t.push_back(static_cast<double>(random.from(1, 255)) / 256);
    }
    std::ranges::sort(t);
    const auto rest = std::ranges::unique(t);
    t.erase(rest.begin(), rest.end());
    return t;
}

template <class T>
std::vector<T> drawn_values(Random& random, std::size_t n) {
    std::vector<T> values(n);
    for (T& value : values) {
        value = static_cast<T>(random.normal());
    }
    return values;
}

/// Widths of some cells.
inline std::vector<std::int32_t> drawn_widths(Random& random) {
    std::vector<std::int32_t> widths;
    for (std::int64_t n = random.from(1, 4); n > 0; --n) {
        widths.push_back(random.one_of({1, 31, 33, 64, 100}));
    }
    return widths;
}

/// The lists of all cells of a program.
template <class T>
struct DrawnTable {
    std::int64_t tracks;
    std::vector<std::int32_t> widths;
    std::vector<std::vector<double>> knots;  // by list
    std::vector<std::vector<T>> values;
    std::vector<std::int64_t> t_address;
    std::vector<std::int64_t> values_address;
    std::vector<std::int64_t> count;

    DrawnTable(Random& random, std::vector<std::int32_t> cell_widths, std::int64_t n_tracks)
        : tracks(n_tracks), widths(std::move(cell_widths)) {
        for (const std::int32_t width : widths) {
            for (std::int64_t track = 0; track < tracks; ++track) {
                knots.push_back(drawn_knots(random, 40));
                values.push_back(
                    drawn_values<T>(random, knots.back().size() * static_cast<std::size_t>(width)));
            }
        }
        for (std::size_t list = 0; list < knots.size(); ++list) {
            t_address.push_back(reinterpret_cast<std::int64_t>(knots[list].data()));
            values_address.push_back(reinterpret_cast<std::int64_t>(values[list].data()));
            count.push_back(static_cast<std::int64_t>(knots[list].size()));
        }
    }
    DrawnTable(const DrawnTable&) = delete;
    DrawnTable& operator=(const DrawnTable&) = delete;

    splinecode::cuda::ListTable table() const {
        return {t_address.data(), values_address.data(), count.data(), widths.data(), tracks};
    }
    std::int64_t list(std::int64_t cell, std::int64_t track) const { return cell * tracks + track; }
    double value(std::int64_t cell, std::int64_t track, std::int64_t column, double t) const {
        const std::size_t from = index(list(cell, track));
        return at_knot_or_between(knots[from], values[from], widths[index(cell)], column, t);
    }
};

/// The rows of a node; lists may be empty.
template <class T>
struct DrawnRows {
    std::int64_t tracks;
    std::vector<std::int64_t> begin{0};
    std::vector<std::int32_t> row_list;
    std::vector<std::int64_t> value_begin;
    std::vector<std::int64_t> column_begin{0};
    std::vector<double> t;
    std::vector<T> values;

    DrawnRows(Random& random, const std::vector<std::int32_t>& widths, std::int64_t n_tracks,
              bool some_empty)
        : tracks(n_tracks) {
        std::int64_t n = 0;
        for (const std::int32_t width : widths) {
            column_begin.push_back(column_begin.back() + width);
            for (std::int64_t track = 0; track < tracks; ++track) {
                const auto list = static_cast<std::int32_t>(value_begin.size());
                value_begin.push_back(n);
                if (!some_empty || !random.one_in(4)) {
                    for (const double knot : drawn_knots(random, 40)) {
                        t.push_back(knot);
                        row_list.push_back(list);
                        n += width;
                    }
                }
                begin.push_back(static_cast<std::int64_t>(t.size()));
                n += random.from(0, 3);  // lists need not follow each other
            }
        }
        values = drawn_values<T>(random, index(n));
    }
    DrawnRows(const DrawnRows&) = delete;
    DrawnRows& operator=(const DrawnRows&) = delete;

    std::int64_t rows_count() const { return static_cast<std::int64_t>(t.size()); }
    std::int64_t lists() const { return static_cast<std::int64_t>(value_begin.size()); }
    splinecode::cuda::NodeRows rows() const {
        return {begin.data(),        row_list.data(), value_begin.data(),
                column_begin.data(), rows_count(),    tracks};
    }
};

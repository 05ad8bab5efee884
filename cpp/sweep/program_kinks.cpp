#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include "sweep/building.hpp"
#include "sweep/program.hpp"

namespace splinecode::sweep {

Index Program::add_pieces(Index input, std::int64_t thresholds, const double* threshold,
                          const double* slope, const double* intercept) {
    input_node(input);
    Node& node = add_node(Kind::pieces, {input});
    const std::vector<Place>& from = nodes_[at(input)].units;
    std::vector<std::int64_t> cells(from.size());
    std::ranges::transform(from, cells.begin(), [](const Place& place) { return place.cell; });
    make_cells(node, cells);
    const std::int64_t units = node.size();
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        const Cell& cell = cells_[at(number)];
        PiecesCell pieces{};
        pieces.cell = from[at(cell.units[0])].cell;
        pieces.in_place = pieces.cell >= 0 && cell.width() == cells_[at(pieces.cell)].width();
        for (const std::int64_t unit : cell.units) {
            const Index column = from[at(unit)].column;
            pieces.in_place =
                pieces.in_place && column == static_cast<Index>(pieces.columns.size());
            pieces.columns.push_back(column);
        }
        const auto gather = [&](const double* values, std::int64_t rows, std::vector<double>& to) {
            for (std::int64_t row = 0; row < rows; ++row) {
                for (const std::int64_t unit : cell.units) {
                    to.push_back(values[row * units + unit]);
                }
            }
        };
        gather(threshold, thresholds, pieces.thresholds);
        gather(slope, thresholds + 1, pieces.slopes);
        gather(intercept, thresholds + 1, pieces.intercepts);
        const auto all = [](auto begin, auto end, double x) {
            return std::all_of(begin, end, [x](double y) { return y == x; });
        };
        const auto width = static_cast<std::ptrdiff_t>(cell.width());
        const auto slopes = pieces.slopes.begin();
        pieces.is_relu =
            thresholds == 1 && all(pieces.thresholds.begin(), pieces.thresholds.end(), 0) &&
            all(pieces.intercepts.begin(), pieces.intercepts.end(), 0) &&
            all(slopes, slopes + width, slopes[0]) && all(slopes + width, pieces.slopes.end(), 1);
        cells_[at(number)].exact_zeros =
            all(slopes, slopes + width, 0) &&
            all(pieces.intercepts.begin(), pieces.intercepts.begin() + width, 0);
        node.pieces.push_back(std::move(pieces));
    }
    for (std::int64_t i = 0; i < (thresholds + 1) * units; ++i) {
        node.steepest = std::max(node.steepest, std::fabs(slope[i]));
    }
    node.thresholds = thresholds;
    node.bits = units * thresholds;
    node.layer = static_cast<Index>(layers_++);
    node.row_cost = pieces_ns * static_cast<double>(node.bits);
    return static_cast<Index>(nodes_.size() - 1);
}

Index Program::add_max(Index input, const std::int64_t* index, std::int64_t windows,
                       std::int64_t size) {
    input_node(input);
    Node& node = add_node(Kind::max, {input});
    const std::vector<Place>& from = nodes_[at(input)].units;
    // Windows over the same cells share a cell.
    std::map<std::vector<Index>, std::int64_t> by_sources;
    std::vector<std::int64_t> cells(at(windows));
    for (std::int64_t w = 0; w < windows; ++w) {
        std::vector<Index> sources;
        for (std::int64_t e = 0; e < size; ++e) {
            const std::int64_t unit = index[w * size + e];
            if (unit < -1 || unit >= static_cast<std::int64_t>(from.size())) {
                throw std::out_of_range("windows name unit " + std::to_string(unit) + " of " +
                                        std::to_string(from.size()));
            }
            if (unit >= 0) {
                sources.push_back(from[at(unit)].cell);
            }
        }
        need(!sources.empty(), "a window holds no unit");
        std::ranges::sort(sources);
        const auto rest = std::ranges::unique(sources);
        sources.erase(rest.begin(), rest.end());
        cells[at(w)] = by_sources.emplace(sources, by_sources.size()).first->second;
    }
    make_cells(node, cells);
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        MaxCell cell;
        std::map<std::pair<Index, Index>, Index> known;
        for (const std::int64_t w : cells_[at(number)].units) {
            cell.bits.push_back(w * size);
            for (std::int64_t e = 0; e < size; ++e) {
                const std::int64_t unit = index[w * size + e];
                Index element = -1;
                if (unit >= 0) {
                    const Place place = from[at(unit)];
                    const auto [entry, fresh] = known.try_emplace(
                        {place.cell, place.column}, static_cast<Index>(cell.elements.size()));
                    if (fresh) {
                        cell.elements.push_back(place);
                    }
                    element = entry->second;
                }
                cell.windows.push_back(element);
            }
        }
        cells_[at(number)].exact_zeros =
            std::ranges::all_of(cell.elements, [&](const Place& place) {
                return place.cell < 0 || cells_[at(place.cell)].exact_zeros;
            });
        node.max.push_back(std::move(cell));
    }
    node.multiplicity =
        largest_count(index, windows * size, static_cast<std::int64_t>(from.size()));
    node.window = size;
    node.bits = windows * size;
    node.layer = static_cast<Index>(layers_++);
    node.row_cost = max_ns * static_cast<double>(node.bits);
    return static_cast<Index>(nodes_.size() - 1);
}

}  // namespace splinecode::sweep

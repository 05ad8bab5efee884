#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "sweep/building.hpp"
#include "sweep/program.hpp"

namespace splinecode::sweep {

void Program::add_products(AffineCell& to, Index matrix, const std::vector<Place>& inputs,
                           const std::vector<Index>& rows, Index column) {
    std::map<Index, std::vector<std::pair<Index, Index>>> by_cell;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].cell >= 0) {
            by_cell[inputs[i].cell].emplace_back(inputs[i].column, rows[i]);
        }
    }
    for (auto& [cell, pairs] : by_cell) {
        std::ranges::sort(pairs);
        std::vector<Index> columns;
        std::vector<Index> matrix_rows;
        for (const auto& [from, row] : pairs) {
            columns.push_back(from);
            matrix_rows.push_back(row);
        }
        to.dense.push_back(
            {cell, shared(std::move(columns)), shared(std::move(matrix_rows)), matrix, column});
    }
}

Index Program::add_linear(Index input, const double* weight, const double* bias,
                          std::int64_t outputs, std::int64_t inputs, Norms norms) {
    const std::int64_t size = input_node(input).size();
    need(inputs > 0 && size % inputs == 0, "a linear step takes runs of another length");
    const std::int64_t runs = size / inputs;
    Node& node = add_node(Kind::affine, {input});
    const Node& from = nodes_[at(input)];
    std::vector<std::int64_t> cells(at(runs * outputs));
    for (std::size_t unit = 0; unit < cells.size(); ++unit) {
        cells[unit] = static_cast<std::int64_t>(unit) / outputs;
    }
    make_cells(node, cells);
    const Index matrix = add_matrix(inputs, outputs, weight);
    std::vector<Index> rows(at(inputs));
    for (std::int64_t i = 0; i < inputs; ++i) {
        rows[at(i)] = static_cast<Index>(i);
    }
    for (std::int64_t run = 0; outputs > 0 && run < runs; ++run) {
        AffineCell cell;
        cell.bias.assign(bias, bias + outputs);
        const auto begin = from.units.begin() + run * inputs;
        add_products(cell, matrix, {begin, begin + inputs}, rows, 0);
        node.affine.push_back(std::move(cell));
    }
    node.norms = std::move(norms);
    node.row_cost = product_ns * static_cast<double>(size * outputs);
    return static_cast<Index>(nodes_.size() - 1);
}

/// Adds scale[u] (1 where null) times the unit at from[u] to each unit u of the node.
void Program::add_scaled(Node& node, const std::vector<Place>& from, const double* scale) {
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        const Cell& cell = cells_[at(number)];
        std::map<Index, DiagonalTerm> by_cell;
        for (std::int64_t column = 0; column < cell.width(); ++column) {
            const std::int64_t unit = cell.units[at(column)];
            const Place place = from[at(unit)];
            if (place.cell >= 0) {
                DiagonalTerm& term = by_cell[place.cell];
                term.from.push_back(place.column);
                term.to.push_back(static_cast<Index>(column));
                term.weights.push_back(scale ? scale[unit] : 1.0);
            }
        }
        for (auto& [source, term] : by_cell) {
            term.cell = source;
            node.affine[at(number - node.first_cell)].diagonal.push_back(std::move(term));
        }
    }
    node.row_cost += diagonal_ns * static_cast<double>(node.size());
}

Index Program::add_scale(Index input, const double* scale, const double* shift, Norms norms) {
    input_node(input);
    Node& node = add_node(Kind::affine, {input});
    const std::vector<Place>& from = nodes_[at(input)].units;
    std::vector<std::int64_t> cells(from.size());
    std::ranges::transform(from, cells.begin(), [](const Place& place) { return place.cell; });
    make_cells(node, cells);
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        AffineCell cell;
        for (const std::int64_t unit : cells_[at(number)].units) {
            cell.bias.push_back(shift[unit]);
        }
        node.affine.push_back(std::move(cell));
    }
    add_scaled(node, from, scale);
    node.norms = std::move(norms);
    return static_cast<Index>(nodes_.size() - 1);
}

Index Program::add_sparse(Index input, const SparseRows& rows, Norms norms) {
    input_node(input);
    Node& node = add_node(Kind::affine, {input});
    const std::vector<Place>& from = nodes_[at(input)].units;
    make_cells(node, {rows.cells, rows.cells + rows.rows});
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        AffineCell cell;
        std::map<Index, DiagonalTerm> by_cell;
        for (const std::int64_t unit : cells_[at(number)].units) {
            const auto column = static_cast<Index>(cell.bias.size());
            cell.bias.push_back(rows.bias[unit]);
            for (std::int64_t i = rows.offsets[unit]; i < rows.offsets[unit + 1]; ++i) {
                if (rows.columns[i] < 0 || at(rows.columns[i]) >= from.size()) {
                    throw std::out_of_range("a sparse step names unit " +
                                            std::to_string(rows.columns[i]) + " of " +
                                            std::to_string(from.size()));
                }
                const Place place = from[at(rows.columns[i])];
                if (place.cell >= 0) {
                    DiagonalTerm& term = by_cell[place.cell];
                    term.from.push_back(place.column);
                    term.to.push_back(column);
                    term.weights.push_back(rows.weights[i]);
                }
            }
        }
        for (auto& [source, term] : by_cell) {
            term.cell = source;
            cell.diagonal.push_back(std::move(term));
        }
        node.affine.push_back(std::move(cell));
    }
    node.norms = std::move(norms);
    node.row_cost = diagonal_ns * static_cast<double>(rows.rows > 0 ? rows.offsets[rows.rows] : 0);
    return static_cast<Index>(nodes_.size() - 1);
}

Index Program::add_sum(const std::vector<Index>& inputs) {
    need(!inputs.empty(), "a sum has no terms");
    for (const Index input : inputs) {
        need(input_node(input).size() == input_node(inputs[0]).size(),
             "the terms of a sum differ in size");
    }
    Node& node = add_node(Kind::affine, inputs);
    node.sum = true;
    // The layout of the term that has the most cells.
    std::vector<std::int64_t> layout;
    std::size_t most = 0;
    for (const Index input : inputs) {
        const std::vector<Place>& units = nodes_[at(input)].units;
        std::vector<std::int64_t> cells(units.size());
        std::ranges::transform(units, cells.begin(), [](const Place& place) { return place.cell; });
        std::vector<std::int64_t> distinct = cells;
        std::ranges::sort(distinct);
        const auto rest = std::ranges::unique(distinct);
        const std::size_t count = distinct.size() - rest.size();
        if (layout.empty() || count > most) {
            layout = std::move(cells);
            most = count;
        }
    }
    make_cells(node, layout);
    for (Index number = node.first_cell; number < node.last_cell; ++number) {
        AffineCell cell;
        cell.bias.resize(cells_[at(number)].units.size());
        node.affine.push_back(std::move(cell));
    }
    for (const Index input : inputs) {
        add_scaled(node, nodes_[at(input)].units, nullptr);
    }
    return static_cast<Index>(nodes_.size() - 1);
}

}  // namespace splinecode::sweep

#include "sweep/program.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/products_shape.hpp"
#include "sweep/building.hpp"

namespace splinecode::sweep {
std::int64_t PanelMatrix::panels() const {
    const auto width = static_cast<std::int64_t>(products::panel);
    return (columns + width - 1) / width;
}

const double* PanelMatrix::panel(std::int64_t p) const {
    return data.data() + p * rows * static_cast<std::int64_t>(products::panel);
}

Node& Program::add_node(Kind kind, std::vector<Index> inputs) {
    for (const Index input : inputs) {
        input_node(input);
    }
    Node node{};
    node.kind = kind;
    node.inputs = std::move(inputs);
    node.first_cell = node.last_cell = static_cast<Index>(cells_.size());
    nodes_.push_back(std::move(node));
    return nodes_.back();
}

const Node& Program::input_node(Index i) const {
    if (i < 0 || at(i) >= nodes_.size()) {
        throw std::out_of_range("node " + std::to_string(i) + " of " +
                                std::to_string(nodes_.size()));
    }
    return nodes_[at(i)];
}

void Program::make_cells(Node& node, const std::vector<std::int64_t>& cell_of_unit) {
    std::map<std::int64_t, Index> numbers;
    for (const std::int64_t cell : cell_of_unit) {
        numbers.emplace(cell, 0);
    }
    const auto owner = static_cast<Index>(&node - nodes_.data());
    for (auto& [cell, number] : numbers) {
        number = static_cast<Index>(cells_.size());
        cells_.push_back({owner, {}, false});
    }
    node.last_cell = static_cast<Index>(cells_.size());
    node.units.reserve(cell_of_unit.size());
    for (std::size_t unit = 0; unit < cell_of_unit.size(); ++unit) {
        const Index number = numbers[cell_of_unit[unit]];
        Cell& cell = cells_[at(number)];
        node.units.push_back({number, static_cast<Index>(cell.units.size())});
        cell.units.push_back(static_cast<std::int64_t>(unit));
    }
}

Indices Program::shared(std::vector<Index> list) {
    Indices& known = lists_[list];
    if (!known) {
        known = std::make_shared<const std::vector<Index>>(std::move(list));
    }
    return known;
}

Index Program::add_matrix(std::int64_t rows, std::int64_t columns, const double* transposed) {
    PanelMatrix matrix{rows, columns, {}};
    const auto width = static_cast<std::int64_t>(products::panel);
    matrix.data.resize(at(matrix.panels() * rows * width));
    for (std::int64_t column = 0; column < columns; ++column) {
        double* to = matrix.data.data() + (column / width) * rows * width + column % width;
        for (std::int64_t row = 0; row < rows; ++row) {
            to[row * width] = transposed[column * rows + row];
        }
    }
    matrices_.push_back(std::move(matrix));
    return static_cast<Index>(matrices_.size() - 1);
}

Index Program::add_input(std::int64_t units) {
    Node& node = add_node(Kind::input, {});
    make_cells(node, std::vector<std::int64_t>(at(units)));
    return static_cast<Index>(nodes_.size() - 1);
}

Index Program::add_view(const std::vector<Index>& inputs, const std::int64_t* index,
                        std::int64_t units) {
    Node& node = add_node(Kind::view, inputs);
    std::vector<Place> places;
    for (const Index input : inputs) {
        const std::vector<Place>& more = nodes_[at(input)].units;
        places.insert(places.end(), more.begin(), more.end());
    }
    const auto size = static_cast<std::int64_t>(places.size());
    for (std::int64_t unit = 0; unit < units; ++unit) {
        if (index[unit] < -1 || index[unit] >= size) {
            throw std::out_of_range("unit " + std::to_string(index[unit]) + " of " +
                                    std::to_string(size));
        }
        node.units.push_back(index[unit] < 0 ? Place{-1, 0} : places[at(index[unit])]);
    }
    node.multiplicity = largest_count(index, units, size);
    return static_cast<Index>(nodes_.size() - 1);
}

void Program::finish() {
    // Unit lists name cells directly, so a cell lives until the last node whose terms read it.
    std::vector<Index> last(cells_.size(), -1);
    const auto read = [&](Index cell, std::size_t node) {
        if (cell >= 0) {
            last[at(cell)] = static_cast<Index>(node);
        }
    };
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        const Node& node = nodes_[n];
        for (Index cell = node.first_cell; cell < node.last_cell; ++cell) {
            read(cell, n);
        }
        for (const AffineCell& cell : node.affine) {
            std::ranges::for_each(cell.dense, [&](const auto& term) { read(term.cell, n); });
            std::ranges::for_each(cell.diagonal, [&](const auto& term) { read(term.cell, n); });
        }
        std::ranges::for_each(node.pieces, [&](const auto& cell) { read(cell.cell, n); });
        for (const MaxCell& cell : node.max) {
            std::ranges::for_each(cell.elements, [&](const Place& place) { read(place.cell, n); });
        }
    }
    for (const Place& place : nodes_.back().units) {
        read(place.cell, nodes_.size());
    }
    for (Node& node : nodes_) {
        node.needs_sizes = node.kind != Kind::affine;
    }
    for (std::size_t n = nodes_.size(); n-- > 0;) {
        const bool passes = nodes_[n].kind == Kind::view && nodes_[n].needs_sizes;
        for (const Index input : nodes_[n].inputs) {
            nodes_[at(input)].needs_sizes |= nodes_[n].kind == Kind::affine || passes;
        }
    }
    released_.resize(nodes_.size() + 1);
    for (std::size_t cell = 0; cell < last.size(); ++cell) {
        released_[at(last[cell])].push_back(static_cast<Index>(cell));
    }
    lists_.clear();
}

}  // namespace splinecode::sweep

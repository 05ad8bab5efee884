#include "sweep/program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/products_shape.hpp"

namespace splinecode::sweep {
namespace {

constexpr double product_ns = 0.03;
constexpr double diagonal_ns = 1.0;
constexpr double pieces_ns = 1.4;
constexpr double max_ns = 3.0;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t product(const std::vector<std::int64_t>& sizes, std::size_t from = 0) {
    std::int64_t total = 1;
    for (std::size_t i = from; i < sizes.size(); ++i) {
        total *= sizes[i];
    }
    return total;
}

void need(bool good, const char* what) {
    if (!good) {
        throw std::invalid_argument(what);
    }
}

/// Calls visit(output position, tap, input position) for all that lie inside the input.
template <class Visit>
void for_each_tap(const ConvShape& shape, const std::vector<std::int64_t>& output,
                  const Visit& visit) {
    const std::size_t axes = shape.kernel.size();
    const std::int64_t positions = product(output);
    const std::int64_t taps = product(shape.kernel);
    std::vector<std::int64_t> out(axes);
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        for (std::size_t axis = axes; axis-- > 0; rest /= output[axis]) {
            out[axis] = rest % output[axis];
        }
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            std::int64_t from = 0;
            bool inside = true;
            std::int64_t stride = 1;
            rest = tap;
            for (std::size_t axis = axes; axis-- > 0; rest /= shape.kernel[axis]) {
                const std::int64_t x = out[axis] * shape.stride[axis] - shape.padding[axis] +
                                       rest % shape.kernel[axis] * shape.dilation[axis];
                const std::int64_t extent = shape.input[axis + 1];
                inside = inside && x >= 0 && x < extent;
                from += x * stride;
                stride *= extent;
            }
            if (inside) {
                visit(p, tap, from);
            }
        }
    }
}

std::vector<std::int64_t> output_extents(const ConvShape& shape) {
    std::vector<std::int64_t> output(shape.kernel.size());
    for (std::size_t axis = 0; axis < output.size(); ++axis) {
        const std::int64_t reach = shape.dilation[axis] * (shape.kernel[axis] - 1) + 1;
        output[axis] =
            (shape.input[axis + 1] + 2 * shape.padding[axis] - reach) / shape.stride[axis] + 1;
        need(output[axis] > 0, "a convolution has no output");
    }
    return output;
}

/// How often the unit that is taken most often is.
double largest_count(const std::int64_t* index, std::int64_t n, std::int64_t units) {
    std::vector<std::int64_t> counts(at(units) + 1);
    for (std::int64_t i = 0; i < n; ++i) {
        if (index[i] >= 0) {
            ++counts[at(index[i])];
        }
    }
    return static_cast<double>(std::max<std::int64_t>(1, *std::ranges::max_element(counts)));
}

}  // namespace

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

Index Program::add_conv(Index input, const double* weight, const double* bias,
                        const ConvShape& shape, Norms norms) {
    need(input_node(input).size() == product(shape.input), "a convolution takes another input");
    need(
        shape.groups > 0 && shape.input[0] % shape.groups == 0 && shape.outputs % shape.groups == 0,
        "groups do not divide the channels of a convolution");
    Node& node = add_node(Kind::affine, {input});
    const Node& from = nodes_[at(input)];
    const std::int64_t positions = product(output_extents(shape));
    std::vector<std::int64_t> cells(at(shape.outputs * positions));
    for (std::size_t unit = 0; unit < cells.size(); ++unit) {
        cells[unit] = static_cast<std::int64_t>(unit) % positions;
    }
    make_cells(node, cells);
    node.affine.resize(at(positions));
    for (AffineCell& cell : node.affine) {
        cell.bias.assign(bias, bias + shape.outputs);
    }
    const std::int64_t channels = shape.input[0] / shape.groups;
    if (channels == 1 && shape.groups > 1) {
        add_depthwise(node, from, weight, shape);
    } else {
        add_convolution(node, from, weight, shape);
    }
    node.norms = std::move(norms);
    node.row_cost = product_ns * static_cast<double>(positions * shape.outputs * channels *
                                                     product(shape.kernel));
    return static_cast<Index>(nodes_.size() - 1);
}

void Program::add_convolution(Node& node, const Node& from, const double* weight,
                              const ConvShape& shape) {
    const std::int64_t channels = shape.input[0] / shape.groups;
    const std::int64_t outputs = shape.outputs / shape.groups;
    const std::int64_t taps = product(shape.kernel);
    const std::int64_t plane = product(shape.input, 1);
    for (std::int64_t group = 0; group < shape.groups; ++group) {
        const std::int64_t rows = channels * taps;
        const Index matrix = add_matrix(rows, outputs, weight + group * outputs * rows);
        std::vector<std::vector<Place>> places(node.affine.size());
        std::vector<std::vector<Index>> matrix_rows(node.affine.size());
        for_each_tap(shape, output_extents(shape),
                     [&](std::int64_t p, std::int64_t tap, std::int64_t q) {
                         for (std::int64_t c = 0; c < channels; ++c) {
                             const std::int64_t unit = (group * channels + c) * plane + q;
                             places[at(p)].push_back(from.units[at(unit)]);
                             matrix_rows[at(p)].push_back(static_cast<Index>(c * taps + tap));
                         }
                     });
        for (std::size_t p = 0; p < places.size(); ++p) {
            add_products(node.affine[p], matrix, places[p], matrix_rows[p],
                         static_cast<Index>(group * outputs));
        }
    }
}

void Program::add_depthwise(Node& node, const Node& from, const double* weight,
                            const ConvShape& shape) {
    const std::int64_t per_channel = shape.outputs / shape.groups;
    const std::int64_t taps = product(shape.kernel);
    const std::int64_t plane = product(shape.input, 1);
    for_each_tap(shape, output_extents(shape),
                 [&](std::int64_t p, std::int64_t tap, std::int64_t q) {
                     std::map<Index, DiagonalTerm> by_cell;
                     for (std::int64_t out = 0; out < shape.outputs; ++out) {
                         const Place place = from.units[at(out / per_channel * plane + q)];
                         if (place.cell >= 0) {
                             DiagonalTerm& term = by_cell[place.cell];
                             term.from.push_back(place.column);
                             term.to.push_back(static_cast<Index>(out));
                             term.weights.push_back(weight[out * taps + tap]);
                         }
                     }
                     for (auto& [cell, term] : by_cell) {
                         term.cell = cell;
                         node.affine[at(p)].diagonal.push_back(std::move(term));
                     }
                 });
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

#include "sweep_layout.hpp"

#include <pybind11/stl.h>

#include <map>

#include "array.hpp"
#include "kernels/products_shape.hpp"

namespace splinecode {
namespace {

using sweep::AffineCell;
using sweep::Index;
using sweep::MaxCell;
using sweep::Node;
using sweep::PiecesCell;
using sweep::Place;
using sweep::Program;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
void append(std::vector<T>& to, const std::vector<T>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

py::array_t<double> matrix_of(const sweep::PanelMatrix& matrix) {
    std::vector<double> values(at(matrix.rows * matrix.columns));
    const auto width = static_cast<std::int64_t>(products::panel);
    for (std::int64_t column = 0; column < matrix.columns; ++column) {
        const double* const panel = matrix.panel(column / width);
        for (std::int64_t row = 0; row < matrix.rows; ++row) {
            values[at(row * matrix.columns + column)] = panel[row * width + column % width];
        }
    }
    return to_numpy(std::move(values), {matrix.rows, matrix.columns});
}

void add_places(py::dict& to, const std::string& name, const std::vector<Place>& places) {
    std::vector<Index> cells;
    std::vector<Index> columns;
    for (const Place& place : places) {
        cells.push_back(place.cell);
        columns.push_back(place.column);
    }
    to[py::str(name + "_cell")] = to_numpy(std::move(cells));
    to[py::str(name + "_column")] = to_numpy(std::move(columns));
}

/// Numbers lists as they come, each once.
class Lists {
public:
    Index number(const sweep::Indices& list) {
        const auto [entry, fresh] =
            numbers_.try_emplace(list.get(), static_cast<Index>(lists_.size()));
        if (fresh) {
            lists_.append(to_numpy(std::vector<Index>(*list)));
        }
        return entry->second;
    }
    const py::list& lists() const { return lists_; }

private:
    std::map<const std::vector<Index>*, Index> numbers_;
    py::list lists_;
};

/// term_*: one a dense term; entry_*: one a product of a diagonal term, with the column of the
/// node (its cells' columns one after the other) that it adds to.
void add_affine(py::dict& to, const Program& program, const Node& node, Lists& lists) {
    std::vector<double> bias;
    std::map<std::string, std::vector<Index>> terms;
    std::vector<std::int64_t> entry_to;
    std::vector<Index> entry_cell;
    std::vector<Index> entry_column;
    std::vector<double> entry_weight;
    for (std::size_t c = 0; c < node.affine.size(); ++c) {
        const AffineCell& cell = node.affine[c];
        const auto first = static_cast<std::int64_t>(bias.size());
        append(bias, cell.bias);
        for (const sweep::DenseTerm& term : cell.dense) {
            terms["out"].push_back(static_cast<Index>(c));
            terms["cell"].push_back(term.cell);
            terms["matrix"].push_back(term.matrix);
            terms["columns"].push_back(lists.number(term.columns));
            terms["rows"].push_back(lists.number(term.rows));
            terms["to"].push_back(term.to);
            terms["width"].push_back(static_cast<Index>(program.matrix(term.matrix).columns));
        }
        for (const sweep::DiagonalTerm& term : cell.diagonal) {
            for (std::size_t i = 0; i < term.to.size(); ++i) {
                entry_to.push_back(first + term.to[i]);
                entry_cell.push_back(term.cell);
                entry_column.push_back(term.from[i]);
                entry_weight.push_back(term.weights[i]);
            }
        }
    }
    to["bias"] = to_numpy(std::move(bias));
    for (const char* name : {"out", "cell", "matrix", "columns", "rows", "to", "width"}) {
        to[py::str(std::string("term_") + name)] = to_numpy(std::move(terms[name]));
    }
    to["entry_to"] = to_numpy(std::move(entry_to));
    to["entry_cell"] = to_numpy(std::move(entry_cell));
    to["entry_column"] = to_numpy(std::move(entry_column));
    to["entry_weight"] = to_numpy(std::move(entry_weight));
}

/// Each list holds what its cells hold, one cell after the other.
void add_pieces(py::dict& to, const Node& node) {
    std::vector<Index> cells;
    std::vector<Index> columns;
    std::vector<double> thresholds;
    std::vector<double> slopes;
    std::vector<double> intercepts;
    bool is_relu = true;
    for (const PiecesCell& cell : node.pieces) {
        cells.push_back(cell.cell);
        append(columns, cell.columns);
        append(thresholds, cell.thresholds);
        append(slopes, cell.slopes);
        append(intercepts, cell.intercepts);
        is_relu = is_relu && cell.is_relu && cell.slopes[0] == node.pieces[0].slopes[0];
    }
    to["pieces_cell"] = to_numpy(std::move(cells));
    to["source_column"] = to_numpy(std::move(columns));
    to["threshold"] = to_numpy(std::move(thresholds));
    to["slope"] = to_numpy(std::move(slopes));
    to["intercept"] = to_numpy(std::move(intercepts));
    to["is_relu"] = is_relu;
}

void add_max(py::dict& to, const Node& node) {
    std::vector<std::int64_t> element_begin{0};
    std::vector<std::int64_t> window_begin{0};
    std::vector<Place> elements;
    std::vector<Index> index;
    std::vector<std::int64_t> bits;
    for (const MaxCell& cell : node.max) {
        append(elements, cell.elements);
        append(index, cell.windows);
        append(bits, cell.bits);
        element_begin.push_back(static_cast<std::int64_t>(elements.size()));
        window_begin.push_back(static_cast<std::int64_t>(bits.size()));
    }
    add_places(to, "element", elements);
    const auto windows = static_cast<py::ssize_t>(bits.size());
    to["element_begin"] = to_numpy(std::move(element_begin));
    to["window_begin"] = to_numpy(std::move(window_begin));
    to["index"] = to_numpy(std::move(index), {windows, static_cast<py::ssize_t>(node.window)});
    to["bit"] = to_numpy(std::move(bits));
}

py::dict node_dict(const Program& program, const Node& node, Lists& lists) {
    py::dict to;
    constexpr const char* kinds[] = {"input", "view", "affine", "pieces", "max"};
    to["kind"] = kinds[static_cast<int>(node.kind)];
    to["inputs"] = node.inputs;
    to["first_cell"] = node.first_cell;
    to["last_cell"] = node.last_cell;
    to["sum"] = node.sum;
    to["multiplicity"] = node.multiplicity;
    to["steepest"] = node.steepest;
    to["thresholds"] = node.thresholds;
    to["window"] = node.window;
    to["bits"] = node.bits;
    to["layer"] = node.layer;
    to["needs_sizes"] = node.needs_sizes;
    add_places(to, "unit", node.units);
    if (node.kind == sweep::Kind::affine) {
        add_affine(to, program, node, lists);
        const sweep::Norms& norms = node.norms;
        const auto copy = [](std::vector<double> values) { return to_numpy(std::move(values)); };
        to["norms"] = py::make_tuple(copy(norms.row1), copy(norms.row2), copy(norms.bias),
                                     norms.operator2, norms.local2, norms.bias2, norms.terms);
    } else if (node.kind == sweep::Kind::pieces) {
        add_pieces(to, node);
    } else if (node.kind == sweep::Kind::max) {
        add_max(to, node);
    }
    return to;
}

}  // namespace

py::dict layout_of(const Program& program) {
    Lists lists;
    py::list nodes;
    py::list released;
    for (std::size_t n = 0; n < program.nodes().size(); ++n) {
        nodes.append(node_dict(program, program.nodes()[n], lists));
        released.append(
            to_numpy(std::vector<Index>(program.released_after(static_cast<Index>(n)))));
    }
    std::vector<Index> widths;
    std::vector<std::int64_t> units;
    std::vector<std::uint8_t> exact_zeros;
    for (const sweep::Cell& cell : program.cells()) {
        widths.push_back(static_cast<Index>(cell.width()));
        append(units, cell.units);
        exact_zeros.push_back(cell.exact_zeros ? 1 : 0);
    }
    py::list matrices;
    for (Index i = 0; i < program.matrices(); ++i) {
        matrices.append(matrix_of(program.matrix(i)));
    }
    py::dict layout;
    layout["nodes"] = nodes;
    layout["released"] = released;
    layout["width"] = to_numpy(std::move(widths));
    layout["unit"] = to_numpy(std::move(units));
    layout["exact_zeros"] = to_numpy(std::move(exact_zeros));
    layout["matrices"] = matrices;
    layout["lists"] = lists.lists();
    return layout;
}

}  // namespace splinecode

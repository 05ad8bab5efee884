#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

/// A network, laid out for exact sweeps along line segments.
///
/// The units of a step are kept in *cells*: columns that share their knots. A convolution has a
/// cell for each position, since the channels of a position see the same inputs; so a unit of an
/// early layer is kept at the knots of its receptive field alone. A Linear has one cell. Steps that
/// only move units have no cells: their units live where they lived before.
namespace splinecode::sweep {

using Index = std::int32_t;
using Indices = std::shared_ptr<const std::vector<Index>>;

/// Where a unit lives: a column of a cell. Cell -1 is the constant 0.
struct Place {
    Index cell;
    Index column;
};

/// A matrix of K rows (one an input) in panels of columns: see kernels/products_shape.hpp.
struct PanelMatrix {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<double> data;

    std::int64_t panels() const;
    const double* panel(std::int64_t p) const;
};

/// Products: columns `columns[i]`, rising, of `cell` meet rows `rows[i]` of the matrix; they add to
/// the columns from `to` on.
struct DenseTerm {
    Index cell;
    Indices columns;
    Indices rows;
    Index matrix;
    Index to;
};

/// weights[i] times column from[i] of `cell` adds to column to[i].
struct DiagonalTerm {
    Index cell;
    std::vector<Index> from;
    std::vector<Index> to;
    std::vector<double> weights;
};

/// What the columns of a cell of an affine step are.
struct AffineCell {
    std::vector<double> bias;
    std::vector<DenseTerm> dense;
    std::vector<DiagonalTerm> diagonal;
};

/// A cell of a layer of piecewise-linear units: column c is a function of column columns[c] of
/// `cell`. Row i of `thresholds`, ... (k or k + 1 rows of `width`) belongs to the i-th from below.
struct PiecesCell {
    Index cell;
    std::vector<Index> columns;
    bool in_place;  // columns are 0, 1, ..., all of the cell's
    bool is_relu;   // z where z > 0, else slopes[0] * z, for all
    std::vector<double> thresholds;
    std::vector<double> slopes;
    std::vector<double> intercepts;
};

/// A cell of a layer of maxima: windows over columns that are gathered from cells.
struct MaxCell {
    std::vector<Place> elements;     // the gathered columns
    std::vector<Index> windows;      // (width, size): indices into `elements`, or -1
    std::vector<std::int64_t> bits;  // the first bit of each window
};

enum class Kind { input, view, affine, pieces, max };

/// What bounds the rounding errors of an affine step. For each unit, the sum and the Euclidean norm
/// of its weights and its absolute bias; for the whole map a bound on its Euclidean norm, and one
/// on that of its entrywise absolute map; products added up in one unit at most.
struct Norms {
    std::vector<double> row1;
    std::vector<double> row2;
    std::vector<double> bias;
    double operator2 = 0;
    double local2 = 0;
    double terms = 0;
    double bias2 = 0;
};

/// A cell: its columns are units of the node that made it.
struct Cell {
    Index node;
    std::vector<std::int64_t> units;
    /// A value of exactly 0 is that of inactive units, without rounding: after ReLUs and their
    /// maxima.
    bool exact_zeros = false;

    std::int64_t width() const { return static_cast<std::int64_t>(units.size()); }
};

struct Node {
    Kind kind;
    std::vector<Index> inputs;
    std::vector<Place> units;
    Index first_cell = 0;  // cells [first_cell, last_cell) are made by it
    Index last_cell = 0;
    std::vector<AffineCell> affine;  // one a cell, by the kind of the node
    std::vector<PiecesCell> pieces;
    std::vector<MaxCell> max;
    Norms norms;              // of an affine step other than a sum
    bool sum = false;         // of its inputs
    double multiplicity = 1;  // of a view or max: how often a unit is taken at most
    double steepest = 1;      // of pieces: the largest absolute slope
    std::int64_t thresholds = 0;
    std::int64_t window = 0;
    std::int64_t bits = 0;
    Index layer = -1;
    double row_cost = 0;      // nanoseconds for a knot that all cells have
    bool needs_sizes = true;  // an affine step takes its values, whose sizes then matter

    std::int64_t size() const { return static_cast<std::int64_t>(units.size()); }
};

/// Strides and the like of a convolution, one entry an axis.
struct ConvShape {
    std::vector<std::int64_t> input;  // (channels, *spatial)
    std::vector<std::int64_t> kernel;
    std::vector<std::int64_t> stride;
    std::vector<std::int64_t> padding;
    std::vector<std::int64_t> dilation;
    std::int64_t groups = 1;
    std::int64_t outputs = 0;  // channels
};

/// Rows of a sparse matrix.
struct SparseRows {
    std::int64_t rows = 0;
    const std::int64_t* offsets = nullptr;
    const std::int64_t* columns = nullptr;
    const double* weights = nullptr;
    const double* bias = nullptr;
    const std::int64_t* cells = nullptr;  // rows of one number share a cell
};

class Program {
public:
    /// Each adds a node and returns its number; inputs are numbers of earlier nodes. They throw
    /// std::invalid_argument for sizes that do not fit and std::out_of_range for indices.
    Index add_input(std::int64_t units);
    /// Unit u is unit index[u] of the inputs' units, one input after the other; 0 for -1.
    Index add_view(const std::vector<Index>& inputs, const std::int64_t* index, std::int64_t units);
    /// weight is (outputs, inputs) in C order.
    Index add_linear(Index input, const double* weight, const double* bias, std::int64_t outputs,
                     std::int64_t inputs, Norms norms);
    /// weight is (outputs, channels / groups, *kernel).
    Index add_conv(Index input, const double* weight, const double* bias, const ConvShape& shape,
                   Norms norms);
    Index add_scale(Index input, const double* scale, const double* shift, Norms norms);
    Index add_sparse(Index input, const SparseRows& rows, Norms norms);
    Index add_sum(const std::vector<Index>& inputs);
    /// (thresholds, units), (thresholds + 1, units) twice.
    Index add_pieces(Index input, std::int64_t thresholds, const double* threshold,
                     const double* slope, const double* intercept);
    Index add_max(Index input, const std::int64_t* index, std::int64_t windows, std::int64_t size);
    /// To be called once, last.
    void finish();

    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<Cell>& cells() const { return cells_; }
    Index matrices() const { return static_cast<Index>(matrices_.size()); }
    const PanelMatrix& matrix(Index i) const { return matrices_[static_cast<std::size_t>(i)]; }
    const Node& node(Index i) const { return nodes_[static_cast<std::size_t>(i)]; }
    const Cell& cell(Index i) const { return cells_[static_cast<std::size_t>(i)]; }
    std::int64_t layers() const { return layers_; }
    /// Cells that no later node reads once node i is done.
    const std::vector<Index>& released_after(Index i) const {
        return released_[static_cast<std::size_t>(i)];
    }

private:
    Node& add_node(Kind kind, std::vector<Index> inputs);
    const Node& input_node(Index i) const;
    /// Makes the node's cells from the cell number of each unit; numbers need not be consecutive.
    void make_cells(Node& node, const std::vector<std::int64_t>& cell_of_unit);
    void add_products(AffineCell& to, Index matrix, const std::vector<Place>& inputs,
                      const std::vector<Index>& rows, Index column);
    void add_convolution(Node& node, const Node& from, const double* weight,
                         const ConvShape& shape);
    void add_depthwise(Node& node, const Node& from, const double* weight, const ConvShape& shape);
    void add_scaled(Node& node, const std::vector<Place>& from, const double* scale);
    Indices shared(std::vector<Index> list);
    Index add_matrix(std::int64_t rows, std::int64_t columns, const double* transposed);

    std::vector<Node> nodes_;
    std::vector<Cell> cells_;
    std::vector<PanelMatrix> matrices_;
    std::vector<std::vector<Index>> released_;
    std::map<std::vector<Index>, Indices> lists_;
    std::int64_t layers_ = 0;
};

}  // namespace splinecode::sweep

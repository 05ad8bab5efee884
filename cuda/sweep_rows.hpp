#pragma once

#include <cstdint>

#include "cuda.hpp"
#include "sweep/bound_rules.hpp"
#include "sweep_lists.hpp"

/// The rows of a sweep on a GPU: brought to common knots, added up, measured. T is float or double,
/// the type of values; t and weights are float64. As in cuda.hpp, everything is queued on the
/// stream, nothing is allocated, and the caller vouches for what arrays in device memory hold. No
/// result depends on the order in which threads run.
namespace splinecode::cuda {

/// Pairs of a list and a run of the elements of an output: those of pair p are [begin[p],
/// begin[p + 1]).
struct KnotPairs {
    const std::int64_t* list;   // (pairs): in the table
    const std::int64_t* begin;  // (pairs + 1)
    const std::int64_t* pair;   // (elements): the pair of each element
    std::int64_t elements;
};

/// t[e] = knot e - begin[p] of the list of element e's pair p.
void gather_knots(const ListTable& table, const KnotPairs& pairs, double* t, Stream stream);

/// Rows of lists of the table, one list after the other.
struct RowRuns {
    const std::int64_t* list;      // (runs): in the table
    const std::int64_t* begin;     // (runs + 1): the first row of each list
    const std::int32_t* row_list;  // (rows): the run of each row
    std::int64_t rows;
};

/// x[r][j] = the value of row r at columns[j] of its cell; x is (rows, n_columns).
template <class T>
void gather_rows(const ListTable& table, const RowRuns& runs, const std::int32_t* columns,
                 std::int64_t n_columns, T* x, Stream stream);

/// Products of rows of the table: a matrix (rows, columns) in C order.
template <class T>
struct Products {
    const T* y;
    const std::int64_t*
        begin;  // (lists of the table): y's row of each list's first, -1: it has none
    std::int64_t columns;
};

/// What adds to the cells of a node: terms [begin[c], begin[c + 1]) to cell c, in their order.
/// Columns from, ..., from + width - 1 of the products of a cell add to columns from `to` on.
struct ProductTerms {
    const std::int64_t* begin;  // (cells of the node + 1)
    const std::int32_t* cell;   // of the program
    const std::int32_t* from;
    const std::int32_t* to;
    const std::int32_t* width;
};

/// Adds products, brought to the knots t of the node's rows, to the values; with a bias (one a
/// column of the node), values start from it.
template <class T>
void add_products(const ListTable& table, const NodeRows& rows, const double* t,
                  const Products<T>& products, const ProductTerms& terms, const double* bias,
                  T* values, Stream stream);

/// What adds to the columns of a node: entries [begin[i], begin[i + 1]) to column i, in their
/// order: `weight` times a column of a cell of the program.
struct Entries {
    const std::int64_t* begin;  // (columns of the node + 1)
    const std::int32_t* cell;
    const std::int32_t* column;
    const double* weight;
};

/// As add_products.
template <class T>
void add_entries(const ListTable& table, const NodeRows& rows, const double* t,
                 const Entries& entries, const double* bias, T* values, Stream stream);

/// Rows of which some lie on a chord, but for few columns: between the rows left and right at the
/// weight, plus what its columns are off the chord. left is -1 for all others.
struct ChordRows {
    const std::int64_t* left;
    const std::int64_t* right;
    const double* weight;
    const std::int64_t* root_begin;  // the columns: those of roots sorted[root_begin], ...,
    const std::int64_t* root_end;    // sorted[root_end - 1]
    std::int64_t rows;
};

struct ChordColumns {
    const std::int64_t* sorted;  // numbers of roots
    const std::int64_t* column;  // of each root, by its number
    bool distinct;               // no row has a column twice; else each counts once
};

/// Products y = v w of rows on chords, v (rows, width) and w (width, columns), from the products of
/// the rows beside them.
template <class T>
struct ChordProducts {
    const T* v;
    std::int64_t width;
    const T* w;
    std::int64_t columns;
    T* y;
};
template <class T>
void expand_chords(const ChordRows& rows, const ChordColumns& columns,
                   const ChordProducts<T>& products, Stream stream);

/// Raises norms[l] to the largest Euclidean norm of list l's rows and largest[l] to the largest
/// absolute value, both as ordered bits of a double (ordered_bits.hpp): the caller has set them
/// to 0. NaN is above all.
template <class T>
void measure(const NodeRows& rows, const T* values, std::int64_t* norms, std::int64_t* largest,
             Stream stream);

// ------------------------------------------------------------------ bounds (sweep/bound_rules.hpp)

// Bounds of all tracks are float64 (6, tracks): e2, einf, snapinf, size2, sizeinf, steps.

/// Of the units of an affine step, one each.
struct NormArrays {
    const double* row1;
    const double* row2;
    const double* bias;
    std::int64_t units;
};

/// The bounds `to` of an affine step other than a sum, and `step` (7, tracks): what it took, as
/// sweep::AffineStep has it.
void affine_bounds(const double* from, const NormArrays& norms, const sweep::MapNorms& map,
                   const sweep::Arithmetic& arithmetic, double* to, double* step,
                   std::int64_t tracks, Stream stream);

/// Of the sum of `n` nodes' values; `from` is (n, 6, tracks).
void sum_bounds(const double* from, std::int64_t n, double u, double* to, std::int64_t tracks,
                Stream stream);

/// Of values that are taken from n nodes, none more often than `multiplicity` times.
void view_bounds(const double* from, std::int64_t n, double multiplicity, double* to,
                 std::int64_t tracks, Stream stream);

/// Of kinks. `shift` holds ordered bits of doubles.
void kink_bounds(const double* from, double steepest, double multiplicity,
                 const std::int64_t* shift, const double* together, double u, double* to,
                 std::int64_t tracks, Stream stream);

}  // namespace splinecode::cuda

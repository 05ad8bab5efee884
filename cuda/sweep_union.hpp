#pragma once

#include <cstdint>

#include "cuda.hpp"
#include "knot_words.hpp"
#include "sweep_lists.hpp"

/// Unions of the knots of lists on a GPU, by sets of bits (knot_words.hpp): marked, counted and,
/// once the caller knows where each word's rows begin, written. As in sweep_rows.hpp, the caller
/// vouches for what arrays hold, and no result depends on the order of threads.
namespace splinecode::cuda {

/// Cells of the table and the output cells that take their knots, on every track.
struct CellPairs {
    const std::int64_t* cell;  // (pairs): in the table
    const std::int64_t* out;   // (pairs): of those that the words are of
    std::int64_t pairs;
};

/// Sets the bits of the knots of each pair's cell, all of which are among the table's knots t of
/// their track. The caller has set the words to 0.
void mark_knots(const ListTable& table, const CellPairs& pairs, const KnotWords& layout,
                const double* t, std::uint64_t* words, Stream stream);

/// counts[w] = the bits that are set in words[w].
void count_knots(const std::uint64_t* words, std::int64_t n, std::int64_t* counts, Stream stream);

/// The sets of some cells. Their knots, one list after the other, are the rows of those cells.
struct MarkedKnots {
    const std::uint64_t* words;
    const std::int64_t* row;  // (words + 1): of the first knot of each word, and of all rows
    std::int64_t cells;
};

/// Rows to write, as NodeRows has them, and their knots.
struct KnotRows {
    std::int64_t* begin;     // (cells * tracks + 1)
    std::int32_t* row_list;  // (rows)
    double* t;               // (rows)
};

/// Writes the rows of the knots that are marked; t are all knots of the table.
void write_knots(const MarkedKnots& marked, const KnotWords& layout, const double* t,
                 const KnotRows& to, Stream stream);

}  // namespace splinecode::cuda

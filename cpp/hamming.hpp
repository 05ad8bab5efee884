#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "neighbor_key.hpp"
#include "parallel.hpp"

/// Hamming distances between packed codes: how many units differ. Distances are counts in int32.
/// Results are identical for every instruction-set level and thread count; neighbours are ordered
/// by (distance, index).
namespace splinecode {

/// out[i * y.rows + j] = distance of row i of x and row j of y. O(x.rows * y.rows * words).
/// Out is int32_t or uint16_t; the latter needs codes of at most 65,535 bits.
template <class Out>
void hamming_matrix(const CodeRows& x, const CodeRows& y, Out* out, const Interrupt& interrupt);

/// The matrix of x with itself: half the work, the other half mirrored.
template <class Out>
void hamming_matrix_symmetric(const CodeRows& x, Out* out, const Interrupt& interrupt);

/// The distances of pairs i < j alone, by i and then j, as scipy's pdist orders them.
template <class Out>
void hamming_condensed(const CodeRows& x, Out* out, const Interrupt& interrupt);

/// The k nearest rows of the database for each query, without a distance matrix in memory.
/// With `exclude_self`, query i never returns row i. Needs k <= database.rows - exclude_self.
/// `distances` and `indices` hold queries.rows * k entries.
void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, const Interrupt& interrupt);

/// Neighbour lists of different lengths: those of query i are [offsets[i], offsets[i + 1]).
struct NeighborLists {
    std::vector<std::int64_t> offsets{0};
    std::vector<std::int32_t> distances;
    std::vector<std::int64_t> indices;

    /// Adds the neighbours of further queries, each sorted.
    void append(const std::vector<std::vector<NeighborKey>>& found);
};

/// How many rows of the database lie within `radius` (inclusive) of each query.
void count_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                  bool exclude_self, std::int64_t* counts, const Interrupt& interrupt);

/// All rows of the database within `radius` (inclusive) of each query.
NeighborLists within_radius(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            bool exclude_self, const Interrupt& interrupt);

}  // namespace splinecode

#pragma once

#include <cstdint>
#include <vector>

#include "parallel.hpp"

/// Hamming distances between packed codes: how many units differ. Distances are counts in int32.
/// Results are identical for every instruction-set level and thread count; neighbours are ordered
/// by (distance, index).
namespace splinecode {

/// Codes as rows of `words` words, `stride` words apart: a whole code or the slice of one layer.
struct CodeRows {
    const std::uint64_t* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t words = 0;
    std::int64_t stride = 0;

    const std::uint64_t* row(std::int64_t i) const { return data + i * stride; }
};

/// Words [begin, end) of a code: one layer.
struct WordRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

/// out[i * layers.size() + l] = distance between row i of a and row i of b within layer l.
/// O(rows * words); reads both once.
void hamming_paired(const CodeRows& a, const CodeRows& b, const std::vector<WordRange>& layers,
                    std::int32_t* out, const Interrupt& interrupt);

/// out[i * y.rows + j] = distance of row i of x and row j of y. O(x.rows * y.rows * words).
void hamming_matrix(const CodeRows& x, const CodeRows& y, std::int32_t* out,
                    const Interrupt& interrupt);

/// The k nearest rows of the database for each query, without a distance matrix in memory.
/// With `exclude_self`, query i never returns row i. Needs k <= database.rows - exclude_self.
/// `distances` and `indices` hold queries.rows * k entries.
void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, const Interrupt& interrupt);

/// Neighbour lists of different lengths: those of query i are [offsets[i], offsets[i + 1]).
struct NeighborLists {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> distances;
    std::vector<std::int64_t> indices;
};

/// All rows of the database within `radius` (inclusive) of each query.
NeighborLists within_radius(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            bool exclude_self, const Interrupt& interrupt);

}  // namespace splinecode

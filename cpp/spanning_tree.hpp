#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "hamming.hpp"
#include "parallel.hpp"

/// Minimum spanning trees of the complete graph over packed codes, without its n * n distances.
namespace splinecode {

/// An edge between points low < high. Edges are ordered by (weight, distance, low, high): no two
/// are equal, so the minimum spanning tree is one, whatever the order in which it is found.
struct Edge {
    std::int32_t weight = 0;    // max(core of low, core of high, distance)
    std::int32_t distance = 0;  // Hamming
    std::int64_t low = 0;
    std::int64_t high = 0;
    auto operator<=>(const Edge&) const = default;
};

/// The k nearest other codes of every code, as `top_k` with `exclude_self` gives them: row i is
/// [i * k, (i + 1) * k), ordered by (distance, index).
struct NearestLists {
    const std::int32_t* distances = nullptr;
    const std::int64_t* indices = nullptr;
    std::int64_t k = 0;
};

/// The minimum spanning tree, its edges in their order: codes.rows - 1, or none for no codes.
/// `core` holds a number of at least 0 a code; zeros give the tree of plain Hamming distance.
/// Any k >= 0 gives the same tree; a larger one leaves less to search for.
///
/// Boruvka's algorithm. The lists settle the shortest edges out of most components; pairs of the
/// components that are left are searched over the codes, at worst O(n^2 words) a round and
/// typically once. Memory: O(n * k).
std::vector<Edge> spanning_tree(const CodeRows& codes, const std::int32_t* core,
                                const NearestLists& lists, const Interrupt& interrupt);

}  // namespace splinecode

#pragma once

#include <cstdint>
#include <vector>

#include "edge_keepers.hpp"
#include "hamming.hpp"
#include "parallel.hpp"
#include "spanning_tree.hpp"

/// The search for short edges between the components of a forest.
namespace splinecode {

/// The points of a complete graph: Edge::weight is max(core, core, distance).
struct Points {
    CodeRows codes;
    const std::int32_t* core = nullptr;

    Edge edge(std::int64_t i, std::int64_t j, std::int32_t distance) const;
};

/// Offers the keeper every edge between two components that is within its limit. An edge lighter
/// than the `reach` of one of its ends must have been offered before and may be left out, so points
/// whose reach is beyond the limit are not looked at.
/// O(n^2 words) at worst, less the pairs within a component, those that reach rules out and those
/// that the triangle inequality or the first bits show to be too far. A copy of the codes is made.
/// Throws std::length_error for 2^32 points or more.
void search_between(const Points& points, const Partition& partition,
                    const std::vector<std::int32_t>& reach, EdgeKeeper& keeper,
                    const Interrupt& interrupt);

}  // namespace splinecode

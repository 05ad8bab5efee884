#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "lookup.hpp"

/// What searches share that compare a tile stage by stage and drop what is beyond its limits.
namespace splinecode {

/// Costs in nanoseconds on a Zen 3 core, to choose between finishing a tile by tables and pair by
/// pair. They decide speed, not answers.
inline double lookup_ns(std::size_t rows, std::size_t chunks) {
    return static_cast<double>(chunks) * (350 + 8 * static_cast<double>(rows));
}
inline double pairs_ns(std::size_t pairs, std::int64_t words) {
    return static_cast<double>(pairs) * (8 + 0.2 * static_cast<double>(words));
}

/// Pairs of a tile that are still below their limits: rows, and the queries of each as bits.
struct Alive {
    std::vector<std::uint32_t> rows;
    std::vector<std::array<std::uint64_t, 2>> lanes;
    std::size_t pairs = 0;
};

/// Gathers next(row, lanes), which finds the next row from `row` on that has some query alive.
template <class Next>
Alive alive_in(std::size_t rows, const Next& next) {
    Alive alive;
    std::array<std::uint64_t, 2> lanes{};
    for (std::size_t row = 0; (row = next(row, lanes.data())) < rows; ++row) {
        alive.rows.push_back(static_cast<std::uint32_t>(row));
        alive.lanes.push_back(lanes);
        alive.pairs += static_cast<std::size_t>(std::popcount(lanes[0]) + std::popcount(lanes[1]));
    }
    return alive;
}

/// What sums alone leave: the distances within the bits compared so far.
inline Alive alive_by_sum(const DistanceTile<std::uint16_t>& sums,
                          const Limits<std::uint16_t>& limits) {
    const Kernels& kernel = kernels();
    return alive_in(sums.rows, [&](std::size_t row, std::uint64_t* lanes) {
        return kernel.next_below(sums.distances, row, sums.rows, limits.below, sums.queries, lanes);
    });
}

/// What the sums and the triangle inequality for the rest of the bits leave.
inline Alive alive_by_head(const BoundedTile& tile, const Limits<std::uint16_t>& limits) {
    const Kernels& kernel = kernels();
    return alive_in(tile.rows, [&](std::size_t row, std::uint64_t* lanes) {
        return kernel.next_bounded(tile, row, limits.below, lanes);
    });
}

}  // namespace splinecode

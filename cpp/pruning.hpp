#pragma once

#include <algorithm>
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

/// Calls visit(row, lane) for every pair.
template <class Visit>
void for_each_pair(const Alive& alive, const Visit& visit) {
    for (std::size_t i = 0; i < alive.rows.size(); ++i) {
        for (std::size_t half = 0; half < 2; ++half) {
            for (std::uint64_t left = alive.lanes[i][half]; left != 0; left &= left - 1) {
                visit(alive.rows[i], 64 * half + static_cast<std::size_t>(std::countr_zero(left)));
            }
        }
    }
}

/// Distances of the queries of a block to centres, whole and beyond the first `head_chunks` chunks:
/// [centre * lookup::block + lane].
struct ToCenters {
    std::vector<std::uint16_t> whole, rest;

    ToCenters() = default;
    ToCenters(LookupTables& tables, const LookupBlock& block, const CodeRows& centers,
              std::size_t head_chunks);

    const std::uint16_t* of(std::size_t center) const {
        return whole.data() + center * lookup::block;
    }
};

/// Codes to compare a block with: their bits, the clusters they are in, how many chunks are the
/// head, and the part of each code's distance to its centre that lies beyond it.
struct Staged {
    CodeRows codes;
    std::size_t head_chunks;
    const std::vector<std::uint16_t>& cluster;
    const std::vector<std::uint16_t>& rest;

    /// What the sums over the heads and the triangle inequality for the rest of the bits leave.
    Alive alive_by_head(const DistanceTile<std::uint16_t>& sums,
                        const std::vector<std::uint32_t>& ids, const ToCenters& to_centers,
                        const Limits<std::uint16_t>& limits) const;
};

/// Compares the queries of a block with the codes `ids`, at most a tile of them, first by their
/// heads and then by twice as many chunks each time, dropping codes beyond every limit from `ids`.
/// Ends with take(sums), the whole distances of what is left, or with finish(alive) where few pairs
/// are; counts(rows, chunks) hears of every stage.
template <class Take, class Finish, class Count>
void compare_in_stages(const Staged& staged, LookupTables& tables, const LookupBlock& block,
                       const ToCenters& to_centers, const Limits<std::uint16_t>& limits,
                       std::vector<std::uint32_t>& ids, const Take& take, const Finish& finish,
                       const Count& count) {
    constexpr double compacting_share = 0.75;  // moving rows together pays below it
    const std::size_t chunks = lookup_chunks(staged.codes.words);
    std::size_t done = 0;
    for (std::size_t end = std::min(chunks, staged.head_chunks); !ids.empty();
         end = std::min(chunks, 2 * end)) {
        tables.add(block, staged.codes, {0, ids.size(), ids.data()}, done, end);
        count(ids.size(), end - done);
        const auto sums = tables.sums(block, 0, ids.size());
        if (end == chunks) {
            take(sums);
            return;
        }
        const Alive alive = done == 0 ? staged.alive_by_head(sums, ids, to_centers, limits)
                                      : alive_by_sum(sums, limits);
        if (pairs_ns(alive.pairs, staged.codes.words) <
            lookup_ns(alive.rows.size(), chunks - end)) {
            finish(alive);
            return;
        }
        if (static_cast<double>(alive.rows.size()) <
            compacting_share * static_cast<double>(ids.size())) {
            tables.keep(alive.rows);
            for (std::size_t i = 0; i < alive.rows.size(); ++i) {
                ids[i] = ids[alive.rows[i]];
            }
            ids.resize(alive.rows.size());
        }
        done = end;
    }
}

}  // namespace splinecode

#include <limits>
#include <stdexcept>
#include <vector>

#include "hamming.hpp"
#include "neighbor_key.hpp"
#include "scan.hpp"

namespace splinecode {
namespace {

/// What the slots of the queries of one group found: found[query * slots + slot], by row.
using Found = std::vector<std::vector<NeighborKey>>;

/// All keys of a query over the slots, sorted; the slots' vectors are given up.
std::vector<NeighborKey> merged(Found& found, std::int64_t query, std::int64_t slots) {
    std::vector<NeighborKey> keys;
    for (std::int64_t slot = 0; slot < slots; ++slot) {
        std::vector<NeighborKey>& part = found[static_cast<std::size_t>(query * slots + slot)];
        keys.insert(keys.end(), part.begin(), part.end());
        std::vector<NeighborKey>().swap(part);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}

void add_below(const DistanceTile<std::uint16_t>& tile, std::int64_t limit, std::int64_t* counts) {
    Limits<std::uint16_t> limits;
    alignas(64) std::uint16_t below[lookup::block] = {};
    for (std::size_t q = 0; q < tile.queries; ++q) {
        limits.set(q, limit);
    }
    kernels().count_below(tile.distances, tile.rows, limits.below, tile.queries, below);
    for (std::size_t q = 0; q < tile.queries; ++q) {
        counts[q] += below[q];
    }
}

void add_below(const DistanceTile<std::int32_t>& tile, std::int64_t limit, std::int64_t* counts) {
    for (std::size_t row = 0; row < tile.rows; ++row) {
        for (std::size_t q = 0; q < tile.queries; ++q) {
            counts[q] += tile.row(row)[q] < limit ? 1 : 0;
        }
    }
}

/// counts[q] of the task's queries: rows of the task nearer than `limit`.
void count_below(const CodeRows& queries, const CodeRows& database, const SearchTask& task,
                 std::int64_t limit, std::int64_t* counts) {
    const Route route = route_of(task.query_end - task.query_begin, database.words);
    if (route == Route::tables) {
        const WideBlock block(queries, task.query_begin, task.query_end);
        block.for_each_tile(database, task.row_begin, task.row_end,
                            [&](const auto& tile) { add_below(tile, limit, counts); });
        return;
    }
    for_each_query_tile(
        queries, database, task, route,
        [&](std::int64_t query, std::int64_t, const auto* distances, std::int64_t n) {
            counts[query - task.query_begin] += count_nearer(distances, n, limit);
        });
}

}  // namespace

void NeighborLists::append(const std::vector<std::vector<NeighborKey>>& found) {
    std::size_t more = 0;
    for (const std::vector<NeighborKey>& keys : found) {
        more += keys.size();
    }
    distances.reserve(distances.size() + more);
    indices.reserve(indices.size() + more);
    for (const std::vector<NeighborKey>& keys : found) {
        for (const NeighborKey key : keys) {
            distances.push_back(distance_of(key));
            indices.push_back(index_of(key));
        }
        offsets.push_back(static_cast<std::int64_t>(indices.size()));
    }
}

void count_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                  bool exclude_self, std::int64_t* counts, const Interrupt& interrupt) {
    const SearchPlan plan(queries.rows, database.rows, queries.words);
    for (std::int64_t group = 0; group < plan.groups(); ++group) {
        const std::int64_t begin = plan.group_begin(group);
        const std::int64_t n = plan.group_end(group) - begin;
        std::vector<std::int64_t> by_slot(static_cast<std::size_t>(n * plan.slots()));
        const auto run = [&](const SearchTask& task) {
            count_below(queries, database, task, std::int64_t{radius} + 1,
                        by_slot.data() + task.slot * n + (task.query_begin - begin));
        };
        plan.for_each_task(group, run, interrupt);
        for (std::int64_t i = 0; i < n; ++i) {
            counts[begin + i] = exclude_self ? -1 : 0;
            for (std::int64_t slot = 0; slot < plan.slots(); ++slot) {
                counts[begin + i] += by_slot[static_cast<std::size_t>(slot * n + i)];
            }
        }
    }
}

NeighborLists within_radius(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            bool exclude_self, const Interrupt& interrupt) {
    if (database.rows >= most_rows) {
        throw std::length_error("a database of more than 2^33 codes is not supported");
    }
    const SearchPlan plan(queries.rows, database.rows, queries.words);
    NeighborLists lists;
    for (std::int64_t group = 0; group < plan.groups(); ++group) {
        const std::int64_t begin = plan.group_begin(group);
        const std::int64_t n = plan.group_end(group) - begin;
        Found found(static_cast<std::size_t>(n * plan.slots()));
        const auto run = [&](const SearchTask& task) {
            scan(
                queries, database, task, [&](std::int64_t) { return std::int64_t{radius} + 1; },
                [&](std::int64_t query, std::int64_t row, std::int32_t distance) {
                    if (!exclude_self || row != query) {
                        found[static_cast<std::size_t>((query - begin) * plan.slots() + task.slot)]
                            .push_back(make_key(distance, row));
                    }
                });
        };
        plan.for_each_task(group, run, interrupt);
        std::vector<std::vector<NeighborKey>> sorted(static_cast<std::size_t>(n));
        parallel_for(
            n, 1e3 * static_cast<double>(n),
            [&](std::int64_t i) {
                sorted[static_cast<std::size_t>(i)] = merged(found, i, plan.slots());
            },
            interrupt);
        lists.append(sorted);
    }
    return lists;
}

}  // namespace splinecode

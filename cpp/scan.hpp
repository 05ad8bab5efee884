#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lookup.hpp"
#include "nibbles.hpp"
#include "route.hpp"
#include "search_plan.hpp"

/// One task of a search: the distances of a block of queries to a range of rows, a tile at a time.
namespace splinecode {

/// Calls visit(query, first_row, distances, n) for tiles of int32 distances counted pair by pair.
template <class Visit>
void for_each_counted_tile(const CodeRows& queries, const CodeRows& rows, const SearchTask& task,
                           const Visit& visit) {
    constexpr std::int64_t tile_bytes = 64 << 10;
    const Kernels& kernel = kernels();
    const std::int64_t tile_rows =
        std::clamp<std::int64_t>(tile_bytes / std::max<std::int64_t>(8, 8 * rows.words), 16, 512);
    const std::int64_t n_queries = task.query_end - task.query_begin;
    std::vector<std::int32_t> tile(static_cast<std::size_t>(n_queries * tile_rows));
    for (std::int64_t row = task.row_begin; row < task.row_end; row += tile_rows) {
        checkpoint();
        const std::int64_t n = std::min(tile_rows, task.row_end - row);
        kernel.hamming_tile(queries.row(task.query_begin), static_cast<std::size_t>(n_queries),
                            queries.stride, rows.row(row), static_cast<std::size_t>(n), rows.stride,
                            static_cast<std::size_t>(rows.words), tile.data(),
                            static_cast<std::size_t>(tile_rows));
        for (std::int64_t q = 0; q < n_queries; ++q) {
            visit(task.query_begin + q, row, tile.data() + q * tile_rows, n);
        }
    }
}

/// Calls visit(query, first_row, distances, n) for tiles of distances of int32_t or uint16_t, of
/// one query each: every route but that of tables.
template <class Visit>
void for_each_query_tile(const CodeRows& queries, const CodeRows& rows, const SearchTask& task,
                         Route route, const Visit& visit) {
    if (route == Route::pairs) {
        for_each_counted_tile(queries, rows, task, visit);
        return;
    }
    const FewQueries few(queries, task.query_begin, task.query_end);
    few.for_each_tile(
        rows, task.row_begin, task.row_end,
        [&](std::int64_t query, std::int64_t first, const auto* distances, std::int64_t n) {
            visit(task.query_begin + query, first, distances, n);
        });
}

/// The least i in [begin, n) with distances[i] < limit, or n.
inline std::size_t find_nearer(const std::uint16_t* distances, std::size_t begin, std::size_t n,
                               std::int64_t limit) {
    return kernels().find_below(
        distances, begin, n,
        static_cast<std::uint16_t>(std::clamp<std::int64_t>(limit, 0, 0xffff)));
}
inline std::size_t find_nearer(const std::int32_t* distances, std::size_t begin, std::size_t n,
                               std::int64_t limit) {
    const std::int64_t most = std::min<std::int64_t>(limit - 1, 0x7fffffff);
    return kernels().find_at_most(distances, begin, n, static_cast<std::int32_t>(most));
}

/// How many of n distances are below the limit.
template <class Distance>
std::int64_t count_nearer(const Distance* distances, std::int64_t n, std::int64_t limit) {
    const auto most = static_cast<std::int32_t>(std::min<std::int64_t>(limit - 1, 0x7fffffff));
    std::int32_t count = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        count += distances[i] <= most ? 1 : 0;
    }
    return count;
}

/// Calls hit(query, row, distance) for every distance below limit(query), rows of a query in rising
/// order. A hit may lower the limit of its query.
template <class Limit, class Hit>
void scan(const CodeRows& queries, const CodeRows& rows, const SearchTask& task, const Limit& limit,
          const Hit& hit) {
    const Route route = route_of(task.query_end - task.query_begin, rows.words);
    if (route != Route::tables) {
        for_each_query_tile(queries, rows, task, route,
                            [&](std::int64_t query, std::int64_t first, const auto* distances,
                                std::int64_t rows_n) {
                                const auto n = static_cast<std::size_t>(rows_n);
                                const auto next = [&](std::size_t from) {
                                    return find_nearer(distances, from, n, limit(query));
                                };
                                for (std::size_t i = next(0); i < n; i = next(i + 1)) {
                                    hit(query, first + static_cast<std::int64_t>(i),
                                        std::int32_t{distances[i]});
                                }
                            });
        return;
    }
    const WideBlock block(queries, task.query_begin, task.query_end);
    block.for_each_tile(rows, task.row_begin, task.row_end, [&](const auto& tile) {
        using Distance = std::remove_const_t<std::remove_pointer_t<decltype(tile.distances)>>;
        Limits<Distance> limits;
        for (std::size_t q = 0; q < tile.queries; ++q) {
            limits.set(q, limit(task.query_begin + static_cast<std::int64_t>(q)));
        }
        for_each_below(tile, limits, [&](std::size_t row, std::size_t q, std::int32_t distance) {
            const std::int64_t query = task.query_begin + static_cast<std::int64_t>(q);
            hit(query, tile.first_row + static_cast<std::int64_t>(row), distance);
            limits.set(q, limit(query));
        });
    });
}

}  // namespace splinecode

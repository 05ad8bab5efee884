#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "few_scan.hpp"
#include "routes.hpp"
#include "runtime.hpp"
#include "tile_mma.hpp"
#include "tile_popc.hpp"
#include "tile_scan.hpp"
#include "tile_wgmma.hpp"

/// Launches the scan of all rows by all queries, on the route that suits the device.
namespace splinecode::cuda {

/// How a scan is cut up. A block works on one unit at a time, and `splits` of the rows are scanned
/// apart from each other.
struct ScanPlan {
    Route route;
    std::int64_t splits;
    std::int64_t blocks;
};

/// Tiles below which a range of rows is not split further.
constexpr std::int64_t least_split_tiles = 8;
/// Blocks that a scan is launched with at most: far more than any device runs at once.
constexpr std::int64_t most_scan_blocks = 512;

template <int Warpgroups, class Body>
void with_warpgroup_route(std::int64_t words, const Body& body) {
    switch (Chunks{words}.steps()) {
        case 1: return body.template operator()<WarpgroupProducts<Warpgroups, 1>>();
        case 2: return body.template operator()<WarpgroupProducts<Warpgroups, 2>>();
        default: return body.template operator()<WarpgroupProducts<Warpgroups, chunk_steps>>();
    }
}

/// Calls body.template operator()<Route>() with the type of a tile route.
template <class Body>
void with_tile_route(Route route, std::int64_t queries, std::int64_t words, const Body& body) {
    switch (route) {
        case Route::int8: return body.template operator()<Int8Products>();
        case Route::b1: return body.template operator()<B1Products>();
        case Route::wgmma:
            return queries <= WarpgroupProducts<1, 1>::queries
                       ? with_warpgroup_route<1>(words, body)
                       : with_warpgroup_route<2>(words, body);
        default: return body.template operator()<PopcProducts>();
    }
}

inline ScanPlan plan_few(const Device& device, std::int64_t rows, std::int64_t words,
                         std::int64_t most_splits) {
    const std::int64_t steps = ceil_div(rows, FewShape::of(words).rows_a_step());
    const std::int64_t blocks =
        std::min({ceil_div(steps, block_warps), device.multiprocessors * std::int64_t{few_blocks},
                  most_splits, most_scan_blocks});
    return {Route::few, blocks, blocks};
}

/// Blocks of a route that a multiprocessor has the shared memory for, those of the largest sink.
template <class TileRoute>
std::int64_t resident_blocks(const Device& device, std::int64_t words) {
    constexpr std::size_t reserved = 1024;  // by the system, of each block
    const TileLayout<TileRoute> layout{Chunks{words}.count()};
    const std::size_t bytes = layout.bytes(2 * TileRoute::queries) + reserved;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(device.shared_bytes / bytes), 1,
                                    TileRoute::blocks);
}

template <class TileRoute>
ScanPlan plan_tiles(Route route, const Device& device, std::int64_t queries, std::int64_t rows,
                    std::int64_t words, std::int64_t most_splits) {
    const std::int64_t query_tiles = ceil_div(queries, TileRoute::queries);
    const std::int64_t at_once = std::min(
        device.multiprocessors * resident_blocks<TileRoute>(device, words), most_scan_blocks);
    const std::int64_t row_tiles = ceil_div(rows, TileRoute::rows);
    const std::int64_t splits = balanced_splits(
        query_tiles, at_once, std::min(most_splits, ceil_div(row_tiles, least_split_tiles)));
    return {route, splits, std::min(query_tiles * splits, at_once)};
}

/// The plan for queries and rows > 0 in number.
inline ScanPlan plan_scan(const Device& device, std::int64_t queries, std::int64_t rows,
                          std::int64_t words,
                          std::int64_t most_splits = std::numeric_limits<std::int64_t>::max()) {
    const Route route = route_for(device.compute_capability, queries);
    if (route == Route::few) {
        return plan_few(device, rows, words, most_splits);
    }
    ScanPlan plan{};
    with_tile_route(route, queries, words, [&]<class TileRoute>() {
        plan = plan_tiles<TileRoute>(route, device, queries, rows, words, most_splits);
    });
    return plan;
}

template <class TileRoute, class Sink>
void launch_tiles(const char* name, const ScanPlan& plan, const CodeRows& queries,
                  const CodeRows& rows, const Sink& sink, Stream stream) {
    const TileScan scan{
        TileSource(queries), TileSource(rows),
        Units{queries.rows, rows.rows, TileRoute::queries, TileRoute::rows, plan.splits}};
    const TileLayout<TileRoute> layout{Chunks{rows.words}.count()};
    const LaunchShape shape{plan.blocks, TileRoute::threads,
                            layout.bytes(Sink::tile_ints(TileRoute::queries))};
    launch_shaped(name, tile_kernel<TileRoute, Sink>, shape, stream, scan, sink);
}

template <int Queries, class Sink>
void launch_few(const char* name, const ScanPlan& plan, const CodeRows& queries,
                const CodeRows& rows, const Sink& sink, Stream stream) {
    launch_shaped(name, few_kernel<Queries, Sink>, LaunchShape{plan.blocks, block_threads, 0},
                  stream, FewScan(queries, rows), sink);
}

/// The queries in groups of at most four; sink.from(q) is the sink whose query 0 is query q.
template <class Sink>
void launch_few_groups(const char* name, const ScanPlan& plan, const CodeRows& queries,
                       const CodeRows& rows, const Sink& sink, Stream stream) {
    for (std::int64_t first = 0; first < queries.rows;) {
        const std::int64_t left = queries.rows - first;
        const std::int64_t group = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        const CodeRows some{queries.row(first), group, queries.words, queries.stride};
        const Sink from = sink.from(first);
        if (group == 4) {
            launch_few<4>(name, plan, some, rows, from, stream);
        } else if (group == 2) {
            launch_few<2>(name, plan, some, rows, from, stream);
        } else {
            launch_few<1>(name, plan, some, rows, from, stream);
        }
        first += group;
    }
}

/// Queues the scan; queries and rows > 0 in number. The stream's device is current.
template <class Sink>
void launch_scan(const char* name, const ScanPlan& plan, const CodeRows& queries,
                 const CodeRows& rows, const Sink& sink, Stream stream) {
    if (plan.route == Route::few) {
        return launch_few_groups(name, plan, queries, rows, sink, stream);
    }
    with_tile_route(plan.route, queries.rows, rows.words, [&]<class TileRoute>() {
        launch_tiles<TileRoute>(name, plan, queries, rows, sink, stream);
    });
}

}  // namespace splinecode::cuda

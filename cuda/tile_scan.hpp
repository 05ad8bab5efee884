#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "ptx.hpp"
#include "tile_memory.hpp"
#include "tile_shape.hpp"
#include "tile_sums.hpp"
#include "warp.hpp"

/// The scan of all rows by all queries, tile by tile: what every function over distances of many
/// queries does. What becomes of the distances is up to a sink (matrix.cu, radius.cu,
/// nearest_sink.hpp).
///
/// Floor: the larger of the route's rate for queries x rows x bits, and the database once from
/// device memory: blocks that run at a time share its rows through the L2 cache.
namespace splinecode::cuda {

struct TileScan {
    TileSource queries;
    TileSource rows;
    Units units;
};

/// The part of a block in one unit. All threads of the block call every function.
template <class Route, class Sink>
class UnitScan {
public:
    using Shape = Route::Shape;

    __device__ UnitScan(const TileScan& scan, const Units::Unit& unit,
                        typename Sink::template Worker<Route>& worker)
        : scan_(scan),
          unit_(unit),
          layout_{Chunks{scan.rows.codes.words}.count()},
          worker_(worker) {}

    __device__ void run() {
        count_queries();
        const auto tiles = static_cast<int>(ceil_div(unit_.end_row - unit_.begin_row, Route::rows));
        if (layout_.resident()) {
            for (int chunk = 0; chunk < layout_.chunks; ++chunk) {
                fetch_queries(chunk, chunk);
            }
        }
        Step next{0, 0, 0};
        for (int stage = 0; stage + 1 < tile_stages; ++stage) {
            fetch(next, tiles);
        }
        Route::clear(sums_);
        for (Step step{0, 0, 0}; step.tile < tiles; step.advance(layout_.chunks)) {
            ptx::wait_copies<tile_stages - 2>();
            if constexpr (Route::asynchronous) {
                ptx::publish_to_products();
            }
            // This step's copies of all threads are here, and the last step's chunks are done with.
            __syncthreads();
            fetch(next, tiles);
            add(step);
        }
        ptx::wait_copies<0>();
    }

private:
    /// A chunk of a tile of rows, and the stage of shared memory that it is in.
    struct Step {
        int tile;
        int chunk;
        int stage;

        __device__ void advance(int chunks) {
            stage = stage + 1 == tile_stages ? 0 : stage + 1;
            if (++chunk == chunks) {
                chunk = 0;
                ++tile;
            }
        }
    };

    /// A step has two pieces of a chunk.
    __device__ int steps_log2() const { return Route::steps_log2(scan_.rows.codes.words); }
    __device__ std::int64_t row_of(int tile) const {
        return unit_.begin_row + std::int64_t{tile} * Route::rows;
    }
    __device__ std::uint32_t query_chunk(int place) const {
        return ptx::shared_address(aligned_shared_memory()) +
               static_cast<std::uint32_t>(place * TileLayout<Route>::query_tile);
    }
    __device__ std::uint32_t row_chunk(int stage) const {
        return ptx::shared_address(aligned_shared_memory()) +
               static_cast<std::uint32_t>(layout_.rows_at() + stage * TileLayout<Route>::row_tile);
    }
    __device__ std::int32_t* ints(int at) const {
        return reinterpret_cast<std::int32_t*>(aligned_shared_memory() + at);
    }
    __device__ int warp_queries_at() const { return warp_of_block() * Shape::warp_queries; }

    __device__ void fetch_queries(int chunk, int place) const {
        scan_.queries.template copy<Route::queries, Route::threads, Route::copies_unrolled>(
            unit_.first_query, chunk, steps_log2() + 1, query_chunk(place));
    }

    /// Starts the copies of a step, if there is one, and goes on to the next.
    __device__ void fetch(Step& next, int tiles) const {
        if (next.tile < tiles) {
            scan_.rows.template copy<Route::rows, Route::threads, Route::copies_unrolled>(
                row_of(next.tile), next.chunk, steps_log2() + 1, row_chunk(next.stage));
            if (!layout_.resident()) {
                fetch_queries(next.chunk, next.stage);
            }
        }
        ptx::commit_copies();
        next.advance(layout_.chunks);
    }

    __device__ void add(const Step& step) {
        const TileChunk chunk{query_chunk(layout_.resident() ? step.chunk : step.stage),
                              row_chunk(step.stage), 1 << steps_log2()};
        Route::start(sums_, chunk);
        if constexpr (Route::counts_shared) {
            count_rows(chunk);
        }
        Route::wait();
        if (step.chunk + 1 == layout_.chunks) {
            end_tile(step.tile);
        }
    }

    /// Active units of the warp's own queries.
    __device__ void count_queries() {
        if constexpr (Route::counts_shared) {
            const int lane = lane_of_warp();
            const CodeRows& codes = scan_.queries.codes;
            for (int i = 0; i < Shape::warp_queries; ++i) {
                const std::int64_t query = unit_.first_query + warp_queries_at() + i;
                unsigned count = 0;
                for (std::int64_t word = lane; query < codes.rows && word < codes.words;
                     word += warp_lanes) {
                    count += static_cast<unsigned>(__popcll(codes.row(query)[word]));
                }
                count = __reduce_add_sync(all_lanes, count);
                if (lane == 0) {
                    ints(layout_.query_counts_at())[warp_queries_at() + i] =
                        static_cast<std::int32_t>(count);
                }
            }
            __syncwarp();
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                query_counts_[slot] =
                    ints(layout_.query_counts_at())[warp_queries_at() + Shape::query(lane, slot)];
            }
        }
    }

    /// Adds the active units of a chunk of the rows, some neighbouring threads a row.
    __device__ void count_rows(const TileChunk& chunk) {
        constexpr int pieces = chunk_pieces / threads_per_row;
        const int row = static_cast<int>(threadIdx.x) / threads_per_row;
        const int first = static_cast<int>(threadIdx.x) % threads_per_row * pieces;
#pragma unroll
        for (int i = 0; i < pieces; ++i) {
            if (first + i < 2 * chunk.steps) {
                const uint4 piece = ptx::load_16(
                    chunk.rows + static_cast<std::uint32_t>(piece_offset(row, first + i)));
                row_count_ += __popc(piece.x) + __popc(piece.y) + __popc(piece.z) + __popc(piece.w);
            }
        }
    }

    /// Hands a tile's distances to the sink.
    __device__ void end_tile(int tile) {
        typename Shape::Sums& sums = Route::finish(sums_);
        if constexpr (Route::counts_shared) {
            subtract_shared(sums, ints(layout_.row_counts_at()));
        }
        worker_.take(sums, query_counts_, {unit_.first_query + warp_queries_at(), row_of(tile)});
        Route::clear(sums_);
    }

    /// sums = active units of the row - 2 shared units: with those of the query, the distance.
    /// The barrier of the next step keeps the next tile's counts from this one's readers.
    __device__ void subtract_shared(typename Shape::Sums& sums, std::int32_t* row_counts) {
        const int lane = lane_of_warp();
#pragma unroll
        for (int step = 1; step < threads_per_row; step *= 2) {
            row_count_ += __shfl_xor_sync(all_lanes, row_count_, step);
        }
        if (static_cast<int>(threadIdx.x) % threads_per_row == 0) {
            row_counts[static_cast<int>(threadIdx.x) / threads_per_row] = row_count_;
        }
        row_count_ = 0;
        __syncthreads();
#pragma unroll
        for (int column = 0; column < Shape::columns; ++column) {
            const std::int32_t count = row_counts[Shape::row(lane, column)];
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                std::int32_t& sum = Shape::at(sums, slot, column);
                sum = count - 2 * sum;
            }
        }
    }

    static constexpr int threads_per_row = Route::threads / Route::rows;
    static_assert(threads_per_row * Route::rows == Route::threads);

    const TileScan& scan_;
    const Units::Unit& unit_;
    const TileLayout<Route> layout_;
    typename Sink::template Worker<Route>& worker_;
    typename Route::Sums sums_;
    std::int32_t query_counts_[Shape::slots] = {};
    std::int32_t row_count_ = 0;
};

/// A block per unit and step.
///
/// A sink is plain data. Its Worker<Route> is made by each thread for each unit from (sink, unit,
/// the sink's shared integers); take(sums, query_counts, place) gets each tile, where distance =
/// sum + query count of the slot; finish() ends the unit.
template <class Route, class Sink>
__global__ void __launch_bounds__(Route::threads, Route::blocks)
    tile_kernel(const __grid_constant__ TileScan scan, const __grid_constant__ Sink sink) {
    if constexpr (Route::runs_here) {
        const TileLayout<Route> layout{Chunks{scan.rows.codes.words}.count()};
        auto* const sink_memory =
            reinterpret_cast<std::int32_t*>(aligned_shared_memory() + layout.sink_at());
        const std::int64_t count = scan.units.count();
        for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
            Units::Unit unit = scan.units.at(index);
            unit.begin_row = sink.first_row(unit, Route::rows);
            typename Sink::template Worker<Route> worker(sink, unit, sink_memory);
            UnitScan<Route, Sink>(scan, unit, worker).run();
            worker.finish();
            __syncthreads();  // shared memory is done with
        }
    }
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "nearest_lists.hpp"
#include "tile_shape.hpp"
#include "tile_sums.hpp"
#include "warp.hpp"

namespace splinecode::cuda {

/// Keys that come to a list between two looks at it: the rows of a tile, or of a step of few_scan.
constexpr std::int64_t list_burst = 128;

/// A sink that keeps the k nearest rows of each query, for each of the splits apart.
struct NearestSink {
    ListSettings lists;
    std::uint64_t* nearest;  // split s, query q: nearest + s * split_stride + q * k
    std::int64_t split_stride;
    std::int64_t n_queries;
    std::int64_t n_rows;
    std::int64_t first_index;  // of row 0
    std::int64_t first_self;   // the index that query 0 must not return, query 1 the next, ...

    /// Lengths and limits.
    static constexpr int tile_ints(int queries) { return 2 * queries; }
    SPLINECODE_HOST_DEVICE static constexpr int few_ints(int n_lists) { return 2 * n_lists; }

    NearestSink from(std::int64_t query) const {
        NearestSink sink = *this;
        sink.lists.limits += query;
        sink.nearest += query * lists.k;
        sink.n_queries -= query;
        sink.first_self += query;
        return sink;
    }
    __device__ std::int64_t first_row(const Units::Unit& unit, int) const { return unit.begin_row; }

    __device__ void offer(const Lists& to, int list, std::int64_t query, std::int64_t row,
                          std::int32_t distance) const {
        const std::int64_t index = first_index + row;
        if (distance < to.below(list) && index != first_self + query) {
            to.add(list, distance, index);
        }
    }
    __device__ std::uint64_t* place(std::int64_t split, std::int64_t query) const {
        return nearest + split * split_stride + query * lists.k;
    }

    /// List i of a block is of query i of its unit.
    template <class Route>
    class Worker {
    public:
        using Shape = Route::Shape;
        static_assert(Shape::rows <= list_burst && Shape::warp_queries <= warp_lanes);

        __device__ Worker(const NearestSink& sink, const Units::Unit& unit, std::int32_t* memory)
            : sink_(sink),
              unit_(unit),
              lists_{sink.lists, Route::queries, memory},
              own_(warp_of_block() * Shape::warp_queries) {
            const int lane = lane_of_warp();
            if (lane < Shape::warp_queries) {
                const std::int64_t query = unit.first_query + own_ + lane;
                lists_.begin(own_ + lane, query, query < sink.n_queries);
            }
            __syncwarp();
        }

        __device__ void take(typename Shape::Sums& sums,
                             const std::int32_t (&query_counts)[Shape::slots],
                             const TilePlace& place) const {
            const int lane = lane_of_warp();
            std::int32_t below[Shape::slots];
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                below[slot] = lists_.below(own_ + Shape::query(lane, slot)) - query_counts[slot];
            }
            if (!any_below<Shape>(sums, below)) {
                return;
            }
            for_each_below<Shape>(sums, query_counts, below, rows_left<Shape>(place, sink_.n_rows),
                                  [&](int query, int row, std::int32_t distance) {
                                      sink_.offer(lists_, own_ + query, place.first_query + query,
                                                  place.first_row + row, distance);
                                  });
            lists_.settle_due(own_, Shape::warp_queries, place.first_query, list_burst);
        }

        __device__ void finish() const {
            for (int i = 0; i < Shape::warp_queries; ++i) {
                const std::int64_t query = unit_.first_query + own_ + i;
                if (query < sink_.n_queries) {
                    lists_.write(own_ + i, query, sink_.place(unit_.split, query));
                }
            }
        }

    private:
        const NearestSink& sink_;
        const Units::Unit& unit_;
        Lists lists_;
        int own_;
    };

    /// Every warp has a list of its own for each query. In the end those of the block become one.
    template <int Queries>
    class FewWorker {
    public:
        __device__ FewWorker(const NearestSink& sink, std::int32_t* memory)
            : sink_(sink),
              lists_{sink.lists, block_warps * Queries, memory},
              warp_(warp_of_block()) {
            const int lane = lane_of_warp();
            if (lane < Queries) {
                lists_.begin(warp_ * Queries + lane, lane, true);
            }
            __syncwarp();
        }

        __device__ void take(int query, std::int64_t row, std::int32_t distance) const {
            sink_.offer(lists_, warp_ * Queries + query, query, row, distance);
        }
        __device__ void end_step() const {
            lists_.settle_due(warp_ * Queries, Queries, 0, list_burst);
        }

        __device__ void finish() const {
            __syncthreads();
            if (warp_ < Queries) {
                for (int warp = 1; warp < block_warps; ++warp) {
                    lists_.absorb(warp_, warp_, warp * Queries + warp_);
                }
                lists_.write(warp_, warp_, sink_.place(blockIdx.x, warp_));
            }
        }

    private:
        const NearestSink& sink_;
        Lists lists_;
        int warp_;
    };
};

}  // namespace splinecode::cuda

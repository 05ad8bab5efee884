#include <algorithm>
#include <cstdint>

#include "cuda.hpp"
#include "order.hpp"
#include "scan.hpp"
#include "scan_checks.hpp"
#include "warp.hpp"

/// Neighbours within a radius: a scan that counts them, a scan that writes them down in any order,
/// and a sort of every list, after which nothing depends on that order.
namespace splinecode::cuda {
namespace {

/// Which pairs are neighbours. Radii beyond every distance are cut to one that can be added to.
struct Within {
    std::int64_t n_queries;
    std::int64_t n_rows;
    std::int32_t radius;
    bool exclude_self;
    std::int64_t first_query = 0;

    /// The row of a tile that query `query` of the warp must not count, or -1.
    template <class Shape>
    __device__ int self_in(const TilePlace& place, int query) const {
        const std::int64_t self = first_query + place.first_query + query - place.first_row;
        return exclude_self && self >= 0 && self < Shape::rows ? static_cast<int>(self) : -1;
    }

    /// Whether all rows of a tile exist and none of them is left out.
    template <class Shape>
    __device__ bool is_plain(const TilePlace& place) const {
        const std::int64_t self = first_query + place.first_query - place.first_row;
        const bool near_self = self > -Shape::warp_queries && self < Shape::rows;
        return place.first_row + Shape::rows <= n_rows && !(exclude_self && near_self);
    }

    __device__ bool holds(std::int64_t query, std::int64_t row, std::int32_t distance) const {
        return distance <= radius && !(exclude_self && first_query + query == row);
    }
    Within from(std::int64_t query) const {
        return {n_queries - query, n_rows, radius, exclude_self, first_query + query};
    }
};

/// Adds up how many rows are neighbours of each query.
struct CountSink {
    Within within;
    std::int64_t* counts;

    static constexpr int tile_ints(int) { return 0; }
    SPLINECODE_HOST_DEVICE static constexpr int few_ints(int) { return 1; }
    CountSink from(std::int64_t query) const { return {within.from(query), counts + query}; }
    __device__ std::int64_t first_row(const Units::Unit& unit, int) const { return unit.begin_row; }

    __device__ void add(std::int64_t query, std::int32_t count) const {
        if (count != 0) {
            atomicAdd(reinterpret_cast<unsigned long long*>(counts + query),
                      static_cast<unsigned long long>(count));
        }
    }

    template <class Route>
    class Worker {
    public:
        using Shape = Route::Shape;

        __device__ Worker(const CountSink& sink, const Units::Unit&, std::int32_t*) : sink_(sink) {}

        __device__ void take(typename Shape::Sums& sums,
                             const std::int32_t (&query_counts)[Shape::slots],
                             const TilePlace& place) {
            first_query_ = place.first_query;
            if (sink_.within.template is_plain<Shape>(place)) {
                return take_plain(sums, query_counts);
            }
            const int lane = lane_of_warp();
            const int rows = rows_left<Shape>(place, sink_.within.n_rows);
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                const std::int32_t most = sink_.within.radius - query_counts[slot];
                const int self =
                    sink_.within.template self_in<Shape>(place, Shape::query(lane, slot));
#pragma unroll
                for (int column = 0; column < Shape::columns; ++column) {
                    const int row = Shape::row(lane, column);
                    const bool counts = row < rows && row != self;
                    counts_[slot] += counts && Shape::at(sums, slot, column) <= most ? 1 : 0;
                }
            }
        }

        /// The four lanes of a query add their counts up.
        __device__ void finish() {
            const int lane = lane_of_warp();
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                std::int32_t count = counts_[slot];
                count += __shfl_xor_sync(all_lanes, count, 1);
                count += __shfl_xor_sync(all_lanes, count, 2);
                const std::int64_t query = first_query_ + Shape::query(lane, slot);
                if (lane % 4 == 0 && query < sink_.within.n_queries) {
                    sink_.add(query, count);
                }
            }
        }

    private:
        /// Queries that do not exist are counted too, and left out in the end.
        __device__ void take_plain(typename Shape::Sums& sums,
                                   const std::int32_t (&query_counts)[Shape::slots]) {
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                const std::int32_t most = sink_.within.radius - query_counts[slot];
#pragma unroll
                for (int column = 0; column < Shape::columns; ++column) {
                    counts_[slot] += Shape::at(sums, slot, column) <= most ? 1 : 0;
                }
            }
        }

        const CountSink& sink_;
        std::int64_t first_query_ = 0;
        std::int32_t counts_[Shape::slots] = {};
    };

    template <int Queries>
    class FewWorker {
    public:
        __device__ FewWorker(const CountSink& sink, std::int32_t*) : sink_(sink) {}

        __device__ void take(int query, std::int64_t row, std::int32_t distance) {
            counts_[query] += sink_.within.holds(query, row, distance) ? 1 : 0;
        }
        __device__ void end_step() const {}
        __device__ void finish() const {
#pragma unroll
            for (int query = 0; query < Queries; ++query) {
                sink_.add(query, counts_[query]);
            }
        }

    private:
        const CountSink& sink_;
        std::int32_t counts_[Queries] = {};
    };
};

/// Writes the neighbours of each query down, in the order in which they come.
struct FillSink {
    Within within;
    const std::int64_t* offsets;
    std::int64_t* cursors;
    std::int32_t* distances;
    std::int64_t* indices;

    static constexpr int tile_ints(int) { return 0; }
    SPLINECODE_HOST_DEVICE static constexpr int few_ints(int) { return 1; }
    FillSink from(std::int64_t query) const {
        return {within.from(query), offsets + query, cursors + query, distances, indices};
    }
    __device__ std::int64_t first_row(const Units::Unit& unit, int) const { return unit.begin_row; }

    __device__ void store(std::int64_t query, std::int64_t row, std::int32_t distance) const {
        if (within.holds(query, row, distance)) {
            auto* const cursor = reinterpret_cast<unsigned long long*>(cursors + query);
            const auto place = static_cast<std::int64_t>(atomicAdd(cursor, 1ull)) + offsets[query];
            distances[place] = distance;
            indices[place] = row;
        }
    }

    template <class Route>
    class Worker {
    public:
        using Shape = Route::Shape;

        __device__ Worker(const FillSink& sink, const Units::Unit&, std::int32_t*) : sink_(sink) {}
        __device__ void take(typename Shape::Sums& sums,
                             const std::int32_t (&query_counts)[Shape::slots],
                             const TilePlace& place) const {
            std::int32_t below[Shape::slots];
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                below[slot] = sink_.within.radius + 1 - query_counts[slot];
            }
            if (!any_below<Shape>(sums, below)) {
                return;
            }
            for_each_below<Shape>(
                sums, query_counts, below, rows_left<Shape>(place, sink_.within.n_rows),
                [&](int query, int row, std::int32_t distance) {
                    if (place.first_query + query < sink_.within.n_queries) {
                        sink_.store(place.first_query + query, place.first_row + row, distance);
                    }
                });
        }
        __device__ void finish() const {}

    private:
        const FillSink& sink_;
    };

    template <int Queries>
    class FewWorker {
    public:
        __device__ FewWorker(const FillSink& sink, std::int32_t*) : sink_(sink) {}
        __device__ void take(int query, std::int64_t row, std::int32_t distance) const {
            sink_.store(query, row, distance);
        }
        __device__ void end_step() const {}
        __device__ void finish() const {}

    private:
        const FillSink& sink_;
    };
};

/// A block per list.
__global__ void __launch_bounds__(block_threads)
    order_lists_kernel(const std::int64_t* offsets, std::int64_t n_queries, std::int32_t* distances,
                       std::int64_t* indices) {
    for (std::int64_t query = blockIdx.x; query < n_queries; query += gridDim.x) {
        const std::int64_t begin = offsets[query];
        order_neighbours(distances + begin, indices + begin, offsets[query + 1] - begin);
        __syncthreads();
    }
}

void set_to_zero(std::int64_t* values, std::int64_t n, Stream stream) {
    check(cudaMemsetAsync(values, 0, static_cast<std::size_t>(n) * sizeof(std::int64_t),
                          handle_of(stream)),
          "cudaMemsetAsync");
}

template <class Sink>
void scan_within(const char* name, const CodeRows& queries, const CodeRows& database,
                 const Sink& sink, Stream stream) {
    if (database.rows > 0) {
        const ScanPlan plan =
            plan_scan(device_of(stream.device), queries.rows, database.rows, queries.words);
        launch_scan(name, plan, queries, database, sink, stream);
    }
}

}  // namespace

void count_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                  bool exclude_self, std::int64_t* counts, Stream stream) {
    require_scan(queries, database, "count_within");
    if (queries.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    set_to_zero(counts, queries.rows, stream);
    const Within within{queries.rows, database.rows, std::min(radius, most_distance), exclude_self};
    scan_within("count_within", queries, database, CountSink{within, counts}, stream);
}

void fill_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                 bool exclude_self, const std::int64_t* offsets, std::int32_t* distances,
                 std::int64_t* indices, std::int64_t* cursors, Stream stream) {
    require_scan(queries, database, "fill_within");
    if (queries.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    set_to_zero(cursors, queries.rows, stream);
    const Within within{queries.rows, database.rows, std::min(radius, most_distance), exclude_self};
    scan_within("fill_within", queries, database,
                FillSink{within, offsets, cursors, distances, indices}, stream);
    launch("fill_within: order", order_lists_kernel, queries.rows, stream, offsets, queries.rows,
           distances, indices);
}

}  // namespace splinecode::cuda

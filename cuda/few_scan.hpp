#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "carry_save.hpp"
#include "code_alignment.hpp"
#include "code_rows.hpp"
#include "geometry.hpp"
#include "tile_shape.hpp"
#include "warp.hpp"

/// The scan of all rows by few queries, which reads the database once and waits for nothing else:
/// some lanes share a row, 16 bytes each at a time, and four rows are on their way at once.
///
/// Floor: the database at the bandwidth of device memory. Population counts bind from about five
/// queries of 1,024 bits on (H200: 16 a clock and multiprocessor, one for 64 units and query).
namespace splinecode::cuda {

constexpr int most_few_queries = 4;
/// Rows that a lane has a part of at a time.
constexpr int few_unrolled = 4;
constexpr int few_blocks = 4;  // of a multiprocessor at once

/// How the lanes of a warp share rows of `words` words.
struct FewShape {
    int lanes;  // of a row: a power of two

    SPLINECODE_HOST_DEVICE static constexpr FewShape of(std::int64_t words) {
        int lanes = 1;
        while (lanes < warp_lanes && lanes * piece_words < words) {
            lanes *= 2;
        }
        return {lanes};
    }
    SPLINECODE_HOST_DEVICE constexpr int rows_at_once() const { return warp_lanes / lanes; }
    SPLINECODE_HOST_DEVICE constexpr int rows_a_step() const {
        return few_unrolled * rows_at_once();
    }
};

/// 16 bytes of a code from word `word` on, zeros beyond its last word.
__device__ inline uint4 load_piece(const CodeRows& codes, bool aligned, std::int64_t row,
                                   std::int64_t word) {
    const std::uint64_t* from = codes.row(row) + word;
    const std::int64_t left = codes.words - word;
    if (aligned && left >= piece_words) {
        return *reinterpret_cast<const uint4*>(from);
    }
    const std::uint64_t low = left > 0 ? from[0] : 0;
    const std::uint64_t high = left > 1 ? from[1] : 0;
    return {static_cast<unsigned>(low), static_cast<unsigned>(low >> 32),
            static_cast<unsigned>(high), static_cast<unsigned>(high >> 32)};
}

/// Units in which two codes differ: 2 carries + the units of ones, added by 128 at a time.
struct FewSum {
    std::int32_t carries = 0;
    std::uint32_t ones = 0;

    __device__ void add(const uint4& a, const uint4& b) {
        carries += __popc(add_to_ones(ones, a.x ^ b.x, a.y ^ b.y));
        carries += __popc(add_to_ones(ones, a.z ^ b.z, a.w ^ b.w));
    }
    __device__ std::int32_t total() const { return 2 * carries + __popc(ones); }
};

struct FewScan {
    CodeRows queries;
    CodeRows rows;
    bool queries_aligned;
    bool rows_aligned;

    FewScan(const CodeRows& few, const CodeRows& database)
        : queries(few),
          rows(database),
          queries_aligned(aligned_16(queries)),
          rows_aligned(aligned_16(rows)) {}
};

/// Adds up the parts of the lanes of a row; each of them gets the distance.
template <int Queries>
__device__ void add_up(const FewShape& shape, const FewSum (&sums)[few_unrolled][Queries],
                       std::int32_t (&distances)[few_unrolled][Queries]) {
#pragma unroll
    for (int u = 0; u < few_unrolled; ++u) {
#pragma unroll
        for (int q = 0; q < Queries; ++q) {
            std::int32_t sum = sums[u][q].total();
            for (int step = shape.lanes / 2; step > 0; step /= 2) {
                sum += __shfl_xor_sync(all_lanes, sum, step);
            }
            distances[u][q] = sum;
        }
    }
}

/// The distances of the queries to the rows first + u * rows_at_once + lane / lanes. All lanes call
/// it.
template <int Queries>
__device__ void few_distances(const FewScan& scan, const FewShape& shape, std::int64_t first,
                              std::int32_t (&distances)[few_unrolled][Queries]) {
    const int lane = lane_of_warp();
    FewSum sums[few_unrolled][Queries];
    for (std::int64_t word = lane % shape.lanes * piece_words; word < scan.rows.words;
         word += shape.lanes * piece_words) {
        uint4 rows[few_unrolled];
#pragma unroll
        for (int u = 0; u < few_unrolled; ++u) {
            const std::int64_t row = first + u * shape.rows_at_once() + lane / shape.lanes;
            rows[u] = row < scan.rows.rows ? load_piece(scan.rows, scan.rows_aligned, row, word)
                                           : uint4{};
        }
#pragma unroll
        for (int q = 0; q < Queries; ++q) {
            const uint4 query = load_piece(scan.queries, scan.queries_aligned, q, word);
#pragma unroll
            for (int u = 0; u < few_unrolled; ++u) {
                sums[u][q].add(rows[u], query);
            }
        }
    }
    add_up(shape, sums, distances);
}

/// A warp takes every so many-th step of rows, in rising order. A sink's FewWorker is made by each
/// thread once; take(query, row, distance) is called by one lane for each pair, end_step() and then
/// finish() by all threads.
template <int Queries, class Sink>
__global__ void __launch_bounds__(block_threads)
    few_kernel(const __grid_constant__ FewScan scan, const __grid_constant__ Sink sink) {
    __shared__ std::int32_t sink_memory[Sink::few_ints(block_warps * Queries)];
    const int lane = lane_of_warp();
    const FewShape shape = FewShape::of(scan.rows.words);
    typename Sink::template FewWorker<Queries> worker(sink, sink_memory);
    for (std::int64_t first = warp_of_grid() * shape.rows_a_step(); first < scan.rows.rows;
         first += warps_of_grid() * shape.rows_a_step()) {
        std::int32_t distances[few_unrolled][Queries];
        few_distances(scan, shape, first, distances);
#pragma unroll
        for (int u = 0; u < few_unrolled; ++u) {
            const std::int64_t row = first + u * shape.rows_at_once() + lane / shape.lanes;
            if (lane % shape.lanes == 0 && row < scan.rows.rows) {
#pragma unroll
                for (int q = 0; q < Queries; ++q) {
                    worker.take(q, row, distances[u][q]);
                }
            }
        }
        worker.end_step();
    }
    worker.finish();
}

}  // namespace splinecode::cuda

#include "sweep_rows.hpp"

#include <cmath>
#include <cstdint>

#include "geometry.hpp"
#include "ordered_bits.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "sweep/norm_rules.hpp"
#include "sweep_warp.hpp"
#include "warp.hpp"

/// Rows and knots of lists, gathered and measured.
namespace splinecode::cuda {
namespace {

/// A thread an element. Floor: 24 bytes an element.
__global__ void __launch_bounds__(block_threads)
    gather_knots_kernel(const ListTable table, const KnotPairs pairs, double* t) {
    for (std::int64_t e = thread_of_grid(); e < pairs.elements; e += threads_of_grid()) {
        const std::int64_t pair = pairs.pair[e];
        t[e] = table.knots(pairs.list[pair])[e - pairs.begin[pair]];
    }
}

/// A warp a row. Floor: the values read and written once.
template <class T>
__global__ void __launch_bounds__(block_threads)
    gather_rows_kernel(const ListTable table, const RowRuns runs, const std::int32_t* columns,
                       std::int64_t n_columns, T* x) {
    for (std::int64_t row = warp_of_grid(); row < runs.rows; row += warps_of_grid()) {
        const std::int32_t run = runs.row_list[row];
        const T* const from = table.row<T>(runs.list[run], row - runs.begin[run]);
        for (std::int64_t j = lane_of_warp(); j < n_columns; j += warp_lanes) {
            x[row * n_columns + j] = from[columns[j]];
        }
    }
}

__device__ void raise(std::int64_t* to, std::int64_t bits) {
    atomicMax(reinterpret_cast<long long*>(to), static_cast<long long>(bits));
}

/// A warp a row. Floor: the values read once.
template <class T>
__global__ void __launch_bounds__(block_threads)
    measure_kernel(const NodeRows rows, const T* values, std::int64_t* norms,
                   std::int64_t* largest) {
    for (std::int64_t row = warp_of_grid(); row < rows.rows; row += warps_of_grid()) {
        const std::int32_t list = rows.row_list[row];
        const std::int64_t width = rows.width(list);
        const T* const value = values + rows.values(list, row);
        double squares = 0;
        std::int64_t most = 0;
        for (std::int64_t c = lane_of_warp(); c < width; c += warp_lanes) {
            const double x = static_cast<double>(value[c]);
            squares += x * x;
            most = sweep::larger(most, magnitude_bits(x));
        }
        squares = sum_of_warp(squares);
        most = most_of_warp(most);
        if (lane_of_warp() == 0) {
            raise(largest + list, most);
            raise(norms + list,
                  magnitude_bits(sweep::norm_of(squares, number_of_bits(most), width)));
        }
    }
}

}  // namespace

void gather_knots(const ListTable& table, const KnotPairs& pairs, double* t, Stream stream) {
    if (pairs.elements == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("gather_knots", gather_knots_kernel, ceil_div(pairs.elements, block_threads), stream,
           table, pairs, t);
}

template <class T>
void gather_rows(const ListTable& table, const RowRuns& runs, const std::int32_t* columns,
                 std::int64_t n_columns, T* x, Stream stream) {
    if (runs.rows == 0 || n_columns == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("gather_rows", gather_rows_kernel<T>, ceil_div(runs.rows, block_warps), stream, table,
           runs, columns, n_columns, x);
}

template <class T>
void measure(const NodeRows& rows, const T* values, std::int64_t* norms, std::int64_t* largest,
             Stream stream) {
    if (rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("measure", measure_kernel<T>, ceil_div(rows.rows, block_warps), stream, rows, values,
           norms, largest);
}

template void gather_rows(const ListTable&, const RowRuns&, const std::int32_t*, std::int64_t,
                          float*, Stream);
template void gather_rows(const ListTable&, const RowRuns&, const std::int32_t*, std::int64_t,
                          double*, Stream);
template void measure(const NodeRows&, const float*, std::int64_t*, std::int64_t*, Stream);
template void measure(const NodeRows&, const double*, std::int64_t*, std::int64_t*, Stream);

}  // namespace splinecode::cuda

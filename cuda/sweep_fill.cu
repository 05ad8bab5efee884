#include <cstdint>

#include "geometry.hpp"
#include "runtime.hpp"
#include "sweep.hpp"
#include "sweep/knot_search.hpp"
#include "sweep/piece_values.hpp"
#include "warp.hpp"

/// Values of piecewise-linear units at old and new knots.
namespace splinecode::cuda {
namespace {

/// The functions of a cell's units.
struct CellFunctions {
    bool relu;
    double slope;
    sweep::PieceRows rows;

    __device__ double at(std::int64_t column, double z) const {
        return relu ? sweep::relu_at(slope, z) : rows.at(column, z);
    }
    __device__ double at_boundary(std::int64_t column, std::int64_t k) const {
        return relu ? 0 : rows.at_boundary(column, k);
    }
};

__device__ CellFunctions functions_of(const PieceFunctions& functions, const PiecesUnits& units,
                                      std::int64_t cell) {
    if (functions.relu) {
        return {true, functions.slope, {}};
    }
    const std::int64_t begin = units.column_begin[cell];
    const std::int64_t pieces = (units.thresholds + 1) * begin;
    return {false,
            0,
            {functions.thresholds + units.thresholds * begin, functions.slopes + pieces,
             functions.intercepts + pieces, units.thresholds, units.width(cell)}};
}

/// A unit has one root at most of each threshold: the last threshold of several wins.
template <class T>
__device__ void put_roots(const RowSources& sources, const CellFunctions& functions,
                          std::int64_t thresholds, std::int64_t row, T* to) {
    const std::int64_t begin = sources.root_begin[row];
    const std::int64_t end = sources.root_begin[row + 1];
    if (begin == end) {
        return;
    }
    for (std::int64_t k = 0; k < thresholds; ++k) {
        __syncwarp();  // what other lanes wrote comes before
        for (std::int64_t r = begin + lane_of_warp(); r < end; r += warp_lanes) {
            const std::int64_t root = sources.sorted[r];
            const std::int64_t column = sources.root_places[sources.roots + root];
            if (sources.root_places[2 * sources.roots + root] == k) {
                to[column] = static_cast<T>(functions.at_boundary(column, k));
            }
        }
    }
}

/// A warp a row. Floor: two rows read, the second from the caches mostly, and one written.
template <class T>
__global__ void __launch_bounds__(block_threads)
    fill_kernel(const ListTable table, const PiecesUnits units, const PieceFunctions functions,
                const RowSources sources, const NodeRows rows, T* values) {
    for (std::int64_t row = warp_of_grid(); row < rows.rows; row += warps_of_grid()) {
        const std::int64_t list = rows.row_list[row];
        const std::int64_t cell = rows.cell(list);
        const std::int64_t source = units.cell[cell];
        const double weight = sources.weight[row];
        const T* const left = table.row<T>(source * rows.tracks + rows.track(list),
                                           sources.source_row[row] - sources.begin[list]);
        const T* const right = weight == 0 ? left : left + table.width[source];
        const std::int32_t* const columns = units.source_column + units.column_begin[cell];
        const CellFunctions cell_functions = functions_of(functions, units, cell);
        T* const to = values + rows.values(list, row);
        for (std::int64_t j = lane_of_warp(); j < units.width(cell); j += warp_lanes) {
            const double z = sweep::value_between(static_cast<double>(left[columns[j]]),
                                                  static_cast<double>(right[columns[j]]), weight);
            to[j] = static_cast<T>(cell_functions.at(j, z));
        }
        put_roots(sources, cell_functions, units.thresholds, row, to);
    }
}

}  // namespace

template <class T>
void fill_pieces(const ListTable& table, const PiecesUnits& units, const PieceFunctions& functions,
                 const RowSources& sources, const NodeRows& rows, T* values, Stream stream) {
    if (rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("fill_pieces", fill_kernel<T>, ceil_div(rows.rows, block_warps), stream, table, units,
           functions, sources, rows, values);
}

template void fill_pieces(const ListTable&, const PiecesUnits&, const PieceFunctions&,
                          const RowSources&, const NodeRows&, float*, Stream);
template void fill_pieces(const ListTable&, const PiecesUnits&, const PieceFunctions&,
                          const RowSources&, const NodeRows&, double*, Stream);

}  // namespace splinecode::cuda

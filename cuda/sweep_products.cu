#include <cstdint>

#include "geometry.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "sweep/knot_search.hpp"
#include "sweep_rows.hpp"
#include "warp.hpp"

/// Affine steps: what other cells know at their own knots, brought to the knots of a node's rows
/// and added up there. Sums are of doubles, rounded once.
namespace splinecode::cuda {
namespace {

/// Values of a list at a t: between those at `left` and at `next`, which are one row at a knot.
template <class T>
struct RowsBetween {
    const T* left;
    const T* next;
    double weight;

    __device__ double value(std::int64_t column) const {
        return sweep::value_between(static_cast<double>(left[column]),
                                    static_cast<double>(next[column]), weight);
    }
};

template <class T>
__device__ RowsBetween<T> rows_between(const sweep::PlaceBetween& place, const T* first,
                                       std::int64_t width) {
    const T* const left = first + place.left * width;
    return {left, place.weight > 0 ? left + width : left, place.weight};
}

__device__ sweep::PlaceBetween place_in(const ListTable& table, std::int64_t list, double t) {
    return sweep::place_between(table.knots(list), table.count[list], t);
}

/// A term at one row: columns [to, end) of the row get those of `source`.
template <class T>
struct PlacedTerm {
    RowsBetween<T> source;
    std::int32_t to;
    std::int32_t end;
};

template <class T>
__device__ PlacedTerm<T> placed(const ListTable& table, const Products<T>& products,
                                const ProductTerms& terms, std::int64_t term, std::int64_t track,
                                double t) {
    const std::int64_t list = terms.cell[term] * table.tracks + track;
    const T* const first = products.y + products.begin[list] * products.columns + terms.from[term];
    return {rows_between(place_in(table, list, t), first, products.columns), terms.to[term],
            terms.to[term] + terms.width[term]};
}

/// A warp a row: its lanes place up to as many terms, a term each, and then add them up, a column
/// each. Floor: two rows of products read a term, most of them from caches, and the row written.
template <class T>
__global__ void __launch_bounds__(block_threads)
    add_products_kernel(const ListTable table, const NodeRows rows, const double* t,
                        const Products<T> products, const ProductTerms terms, const double* bias,
                        T* values) {
    __shared__ PlacedTerm<T> shared[block_warps][warp_lanes];
    PlacedTerm<T>* const at_once = shared[warp_of_block()];
    for (std::int64_t row = warp_of_grid(); row < rows.rows; row += warps_of_grid()) {
        const std::int32_t list = rows.row_list[row];
        const std::int64_t cell = rows.cell(list);
        const std::int64_t width = rows.width(list);
        const double* const start = bias ? bias + rows.column_begin[cell] : nullptr;
        T* const to = values + rows.values(list, row);
        const std::int64_t end = terms.begin[cell + 1];
        std::int64_t first = terms.begin[cell];
        do {
            const std::int64_t left = end - first;
            const int n = left < warp_lanes ? static_cast<int>(left) : warp_lanes;
            if (lane_of_warp() < n) {
                at_once[lane_of_warp()] = placed(table, products, terms, first + lane_of_warp(),
                                                 rows.track(list), t[row]);
            }
            __syncwarp();
            const bool begins = start && first == terms.begin[cell];
            for (std::int64_t c = lane_of_warp(); c < width; c += warp_lanes) {
                double sum = begins ? start[c] : static_cast<double>(to[c]);
                for (int i = 0; i < n; ++i) {
                    const PlacedTerm<T>& term = at_once[i];
                    if (term.to <= c && c < term.end) {
                        sum += term.source.value(c - term.to);
                    }
                }
                to[c] = static_cast<T>(sum);
            }
            __syncwarp();
            first += n;
        } while (first < end);
    }
}

/// Values of cells at a t. Those of the two asked for last are at hand: neighbouring entries mostly
/// share a cell, and those of a sum of two alternate.
template <class T>
class CellsAt {
public:
    __device__ CellsAt(const ListTable& table, std::int64_t track, double t)
        : table_(table), track_(track), t_(t) {}

    __device__ double value(std::int32_t cell, std::int32_t column) {
        if (cell != last_.cell) {
            const Cell before = last_;
            last_ = cell == other_.cell ? other_ : placed(cell);
            other_ = before;
        }
        return last_.rows.value(column);
    }

private:
    struct Cell {
        std::int32_t cell = -1;
        RowsBetween<T> rows{};
    };

    __device__ Cell placed(std::int32_t cell) const {
        const std::int64_t list = cell * table_.tracks + track_;
        return {cell, rows_between(place_in(table_, list, t_), table_.row<T>(list, 0),
                                   static_cast<std::int64_t>(table_.width[cell]))};
    }

    const ListTable& table_;
    std::int64_t track_;
    double t_;
    Cell last_;
    Cell other_;
};

/// A warp a row, a lane a column. Floor: as add_products, with an entry a term.
template <class T>
__global__ void __launch_bounds__(block_threads)
    add_entries_kernel(const ListTable table, const NodeRows rows, const double* t,
                       const Entries entries, const double* bias, T* values) {
    for (std::int64_t row = warp_of_grid(); row < rows.rows; row += warps_of_grid()) {
        const std::int32_t list = rows.row_list[row];
        const std::int64_t first = rows.column_begin[rows.cell(list)];
        const std::int64_t width = rows.width(list);
        T* const to = values + rows.values(list, row);
        CellsAt<T> from(table, rows.track(list), t[row]);
        for (std::int64_t c = lane_of_warp(); c < width; c += warp_lanes) {
            double sum = bias ? bias[first + c] : static_cast<double>(to[c]);
            const std::int64_t end = entries.begin[first + c + 1];
            for (std::int64_t i = entries.begin[first + c]; i < end; ++i) {
                sum += entries.weight[i] * from.value(entries.cell[i], entries.column[i]);
            }
            to[c] = static_cast<T>(sum);
        }
    }
}

}  // namespace

template <class T>
void add_products(const ListTable& table, const NodeRows& rows, const double* t,
                  const Products<T>& products, const ProductTerms& terms, const double* bias,
                  T* values, Stream stream) {
    require(table.tracks == rows.tracks, "add_products", "the tables differ in their tracks");
    if (rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("add_products", add_products_kernel<T>, ceil_div(rows.rows, block_warps), stream, table,
           rows, t, products, terms, bias, values);
}

template <class T>
void add_entries(const ListTable& table, const NodeRows& rows, const double* t,
                 const Entries& entries, const double* bias, T* values, Stream stream) {
    require(table.tracks == rows.tracks, "add_entries", "the tables differ in their tracks");
    if (rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("add_entries", add_entries_kernel<T>, ceil_div(rows.rows, block_warps), stream, table,
           rows, t, entries, bias, values);
}

template void add_products(const ListTable&, const NodeRows&, const double*, const Products<float>&,
                           const ProductTerms&, const double*, float*, Stream);
template void add_products(const ListTable&, const NodeRows&, const double*,
                           const Products<double>&, const ProductTerms&, const double*, double*,
                           Stream);
template void add_entries(const ListTable&, const NodeRows&, const double*, const Entries&,
                          const double*, float*, Stream);
template void add_entries(const ListTable&, const NodeRows&, const double*, const Entries&,
                          const double*, double*, Stream);

}  // namespace splinecode::cuda

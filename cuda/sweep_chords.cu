#include <cstdint>

#include "geometry.hpp"
#include "runtime.hpp"
#include "sweep/knot_search.hpp"
#include "sweep_rows.hpp"
#include "warp.hpp"

/// Products of rows that are mostly known from their neighbours'.
namespace splinecode::cuda {
namespace {

/// Whether a root of the row before number `i` has the column.
__device__ bool came_before(const ChordColumns& columns, std::int64_t begin, std::int64_t i,
                            std::int64_t column) {
    for (std::int64_t earlier = begin; earlier < i; ++earlier) {
        if (columns.column[columns.sorted[earlier]] == column) {
            return true;
        }
    }
    return false;
}

/// How far columns of a row are off the chord, a column a thread of the block.
template <class T>
struct Offsets {
    T value[block_threads];
    std::int64_t column[block_threads];
};

/// Of roots [first, first + n) of the row.
template <class T>
__device__ void read_offsets(const ChordRows& rows, const ChordColumns& columns,
                             const ChordProducts<T>& products, std::int64_t row, std::int64_t first,
                             std::int64_t n, Offsets<T>& offsets) {
    if (threadIdx.x >= n) {
        return;
    }
    const std::int64_t i = first + threadIdx.x;
    const std::int64_t c = columns.column[columns.sorted[i]];
    const auto value = [&](std::int64_t at) {
        return static_cast<double>(products.v[at * products.width + c]);
    };
    const bool counts = columns.distinct || !came_before(columns, rows.root_begin[row], i, c);
    const double chord =
        sweep::value_between(value(rows.left[row]), value(rows.right[row]), rows.weight[row]);
    offsets.value[threadIdx.x] = counts ? static_cast<T>(value(row) - chord) : T{0};
    offsets.column[threadIdx.x] = c;
}

/// A block a row, a thread a column of the products. Floor: a row of w read a root, from the second
/// cache.
template <class T>
__global__ void __launch_bounds__(block_threads)
    expand_chords_kernel(const ChordRows rows, const ChordColumns columns,
                         const ChordProducts<T> products) {
    __shared__ Offsets<T> offsets;
    const std::int64_t width = products.columns;
    for (std::int64_t row = blockIdx.x; row < rows.rows; row += gridDim.x) {
        if (rows.left[row] < 0) {
            continue;
        }
        const T* const left = products.y + rows.left[row] * width;
        const T* const right = products.y + rows.right[row] * width;
        T* const to = products.y + row * width;
        for (std::int64_t c = threadIdx.x; c < width; c += block_threads) {
            to[c] = static_cast<T>(sweep::value_between(
                static_cast<double>(left[c]), static_cast<double>(right[c]), rows.weight[row]));
        }
        const std::int64_t end = rows.root_end[row];
        for (std::int64_t first = rows.root_begin[row]; first < end; first += block_threads) {
            const std::int64_t n = end - first < block_threads ? end - first : block_threads;
            read_offsets(rows, columns, products, row, first, n, offsets);
            __syncthreads();
            for (std::int64_t c = threadIdx.x; c < width; c += block_threads) {
                T sum = to[c];
                for (std::int64_t i = 0; i < n; ++i) {
                    sum += offsets.value[i] * __ldg(products.w + offsets.column[i] * width + c);
                }
                to[c] = sum;
            }
            __syncthreads();
        }
    }
}

}  // namespace

template <class T>
void expand_chords(const ChordRows& rows, const ChordColumns& columns,
                   const ChordProducts<T>& products, Stream stream) {
    if (rows.rows == 0 || products.columns == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("expand_chords", expand_chords_kernel<T>, rows.rows, stream, rows, columns, products);
}

template void expand_chords(const ChordRows&, const ChordColumns&, const ChordProducts<float>&,
                            Stream);
template void expand_chords(const ChordRows&, const ChordColumns&, const ChordProducts<double>&,
                            Stream);

}  // namespace splinecode::cuda

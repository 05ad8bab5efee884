#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "cuda.hpp"
#include "scan.hpp"
#include "scan_checks.hpp"

/// Distance matrices: a scan whose sink stores every distance.
namespace splinecode::cuda {
namespace {

enum class Form { full, symmetric, condensed };

/// Where the distance of row i and row j goes.
template <class Out>
struct MatrixSink {
    Out* out;
    std::int64_t n_queries;
    std::int64_t n_rows;
    std::int64_t pitch;
    std::int64_t first_query = 0;
    Form form;

    /// Two neighbouring entries of a row of `out`, where both can be stored at once.
    struct alignas(2 * sizeof(Out)) Pair {
        Out first;
        Out second;
    };
    bool stores_pairs() const {
        return form == Form::full && pitch % 2 == 0 &&
               reinterpret_cast<std::uintptr_t>(out) % alignof(Pair) == 0;
    }
    bool pairs = false;

    static constexpr int tile_ints(int) { return 0; }
    SPLINECODE_HOST_DEVICE static constexpr int few_ints(int) { return 1; }
    MatrixSink from(std::int64_t query) const {
        MatrixSink sink = *this;
        sink.first_query += query;
        sink.n_queries -= query;
        return sink;
    }

    /// Of a symmetric matrix, rows before the unit's queries are left to other units.
    __device__ std::int64_t first_row(const Units::Unit& unit, int tile_rows) const {
        const std::int64_t from = unit.first_query / tile_rows * tile_rows;
        return form == Form::full || from <= unit.begin_row ? unit.begin_row
               : from < unit.end_row                        ? from
                                                            : unit.end_row;
    }

    __device__ void store(std::int64_t query, std::int64_t row, std::int32_t distance) const {
        const std::int64_t i = first_query + query;
        const auto value = static_cast<Out>(distance);
        if (form == Form::full) {
            out[i * pitch + row] = value;
        } else if (form == Form::condensed) {
            if (i < row) {
                out[i * (2 * n_rows - i - 1) / 2 + row - i - 1] = value;
            }
        } else if (i <= row) {
            out[i * pitch + row] = value;
            out[row * pitch + i] = value;
        }
    }

    template <class Route>
    class Worker {
    public:
        using Shape = Route::Shape;

        __device__ Worker(const MatrixSink& sink, const Units::Unit&, std::int32_t*)
            : sink_(sink) {}

        __device__ void take(typename Shape::Sums& sums,
                             const std::int32_t (&query_counts)[Shape::slots],
                             const TilePlace& place) const {
            if (sink_.pairs && place.first_row + Shape::rows <= sink_.n_rows) {
                return take_pairs(sums, query_counts, place);
            }
            for_each_distance<Shape>(sums, query_counts, place, sink_.n_queries, sink_.n_rows,
                                     [&](int, std::int64_t query, std::int64_t row,
                                         std::int32_t distance) {
                                         sink_.store(query, row, distance);
                                     });
        }
        __device__ void finish() const {}

    private:
        /// All rows of the tile exist; even columns and the next one are neighbouring rows.
        __device__ void take_pairs(typename Shape::Sums& sums,
                                   const std::int32_t (&query_counts)[Shape::slots],
                                   const TilePlace& place) const {
            const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                const std::int64_t query = place.first_query + Shape::query(lane, slot);
                if (query < sink_.n_queries) {
                    Out* const row = sink_.out + query * sink_.pitch + place.first_row;
#pragma unroll
                    for (int column = 0; column < Shape::columns; column += 2) {
                        const std::int32_t count = query_counts[slot];
                        *reinterpret_cast<Pair*>(row + Shape::row(lane, column)) = {
                            static_cast<Out>(Shape::at(sums, slot, column) + count),
                            static_cast<Out>(Shape::at(sums, slot, column + 1) + count)};
                    }
                }
            }
        }

        const MatrixSink& sink_;
    };

    template <int Queries>
    class FewWorker {
    public:
        __device__ FewWorker(const MatrixSink& sink, std::int32_t*) : sink_(sink) {}
        __device__ void take(int query, std::int64_t row, std::int32_t distance) const {
            sink_.store(query, row, distance);
        }
        __device__ void end_step() const {}
        __device__ void finish() const {}

    private:
        const MatrixSink& sink_;
    };
};

template <class Out>
void write_matrix(const char* name, const CodeRows& x, const CodeRows& y, Out* out,
                  std::int64_t pitch, Form form, Stream stream) {
    require_codes(name, x, y);
    if (std::is_same_v<Out, std::uint16_t> && x.words > most_uint16_words) {
        throw std::invalid_argument(std::string(name) +
                                    ": the distances of codes this wide do not fit in uint16");
    }
    if (x.rows == 0 || y.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const ScanPlan plan = plan_scan(device_of(stream.device), x.rows, y.rows, x.words);
    MatrixSink<Out> sink{.out = out,
                         .n_queries = x.rows,
                         .n_rows = y.rows,
                         .pitch = pitch,
                         .form = form};
    sink.pairs = sink.stores_pairs();
    launch_scan(name, plan, x, y, sink, stream);
}

}  // namespace

template <class Out>
void hamming_matrix(const CodeRows& x, const CodeRows& y, Out* out, Stream stream,
                    std::int64_t pitch) {
    write_matrix("hamming_matrix", x, y, out, pitch == 0 ? y.rows : pitch, Form::full, stream);
}

template <class Out>
void hamming_matrix_symmetric(const CodeRows& x, Out* out, Stream stream) {
    write_matrix("hamming_matrix_symmetric", x, x, out, x.rows, Form::symmetric, stream);
}

template <class Out>
void hamming_condensed(const CodeRows& x, Out* out, Stream stream) {
    write_matrix("hamming_condensed", x, x, out, x.rows, Form::condensed, stream);
}

template void hamming_matrix(const CodeRows&, const CodeRows&, std::int32_t*, Stream, std::int64_t);
template void hamming_matrix(const CodeRows&, const CodeRows&, std::uint16_t*, Stream,
                             std::int64_t);
template void hamming_matrix_symmetric(const CodeRows&, std::int32_t*, Stream);
template void hamming_matrix_symmetric(const CodeRows&, std::uint16_t*, Stream);
template void hamming_condensed(const CodeRows&, std::int32_t*, Stream);
template void hamming_condensed(const CodeRows&, std::uint16_t*, Stream);

}  // namespace splinecode::cuda

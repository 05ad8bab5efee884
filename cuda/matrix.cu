#include <cstdint>
#include <type_traits>

#include "cuda.hpp"
#include "scan.hpp"
#include "scan_checks.hpp"
#include "warp.hpp"

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

    /// Where the distances of query `query` go: to row j's place, counted from here. Condensed rows
    /// begin behind the diagonal.
    __device__ Out* line(std::int64_t query) const {
        const std::int64_t i = first_query + query;
        return out + (form == Form::condensed ? i * (2 * n_rows - i - 1) / 2 - i - 1 : i * pitch);
    }

    __device__ void store(std::int64_t query, std::int64_t row, std::int32_t distance) const {
        const std::int64_t i = first_query + query;
        if (form == Form::full || i < row || (i == row && form == Form::symmetric)) {
            line(query)[row] = static_cast<Out>(distance);
        }
        if (form == Form::symmetric && i < row) {
            out[row * pitch + i] = static_cast<Out>(distance);
        }
    }

    template <class Route>
    class Worker {
    public:
        using Shape = Route::Shape;
        using Counts = const std::int32_t (&)[Shape::slots];

        __device__ Worker(const MatrixSink& sink, const Units::Unit&, std::int32_t*)
            : sink_(sink) {}

        __device__ void take(typename Shape::Sums& sums, Counts query_counts,
                             const TilePlace& place) const {
            const int rows = rows_left<Shape>(place, sink_.n_rows);
            const int lane = lane_of_warp();
#pragma unroll
            for (int slot = 0; slot < Shape::slots; ++slot) {
                const std::int64_t query = place.first_query + Shape::query(lane, slot);
                if (query >= sink_.n_queries) {
                    continue;
                }
                if (sink_.pairs && rows == Shape::rows) {
                    store_pairs(sums, query_counts, place, slot, query);
                } else if (sink_.form == Form::full) {
                    store_from(sums, query_counts, place, slot, query, 0, rows);
                } else {
                    store_upper(sums, query_counts, place, slot, query, rows);
                }
            }
        }
        __device__ void finish() const {}

    private:
        /// Even columns and the next one are neighbouring rows.
        __device__ void store_pairs(typename Shape::Sums& sums, Counts query_counts,
                                    const TilePlace& place, int slot, std::int64_t query) const {
            const int lane = lane_of_warp();
            Out* const to = sink_.line(query) + place.first_row + Shape::row(lane, 0);
#pragma unroll
            for (int column = 0; column < Shape::columns; column += 2) {
                *reinterpret_cast<Pair*>(to + Shape::row(0, column)) = {
                    static_cast<Out>(Shape::at(sums, slot, column) + query_counts[slot]),
                    static_cast<Out>(Shape::at(sums, slot, column + 1) + query_counts[slot])};
            }
        }

        /// The rows [first, end) of the tile.
        __device__ void store_from(typename Shape::Sums& sums, Counts query_counts,
                                   const TilePlace& place, int slot, std::int64_t query, int first,
                                   int end) const {
            const int lane = lane_of_warp();
            Out* const to = sink_.line(query) + place.first_row + Shape::row(lane, 0);
#pragma unroll
            for (int column = 0; column < Shape::columns; ++column) {
                const int row = Shape::row(lane, column);
                if (row >= first && row < end) {
                    to[Shape::row(0, column)] =
                        static_cast<Out>(Shape::at(sums, slot, column) + query_counts[slot]);
                }
            }
        }

        /// The rows from the query's own on, or behind it, and their mirror images.
        __device__ void store_upper(typename Shape::Sums& sums, Counts query_counts,
                                    const TilePlace& place, int slot, std::int64_t query,
                                    int rows) const {
            const std::int64_t i = sink_.first_query + query;
            const bool condensed = sink_.form == Form::condensed;
            const std::int64_t ahead = i - place.first_row;
            const int self = ahead < 0 ? -1 : ahead > rows ? rows : static_cast<int>(ahead);
            store_from(sums, query_counts, place, slot, query, condensed ? self + 1 : self, rows);
            if (condensed) {
                return;
            }
            const int lane = lane_of_warp();
            Out* const mirrored =
                sink_.out + (place.first_row + Shape::row(lane, 0)) * sink_.pitch + i;
#pragma unroll
            for (int column = 0; column < Shape::columns; ++column) {
                const int row = Shape::row(lane, column);
                if (row > self && row < rows) {
                    mirrored[Shape::row(0, column) * sink_.pitch] =
                        static_cast<Out>(Shape::at(sums, slot, column) + query_counts[slot]);
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
    require_scan(x, y, name);
    require(!std::is_same_v<Out, std::uint16_t> || x.words <= most_uint16_words, name,
            "the distances of codes this wide do not fit in uint16");
    if (x.rows == 0 || y.rows == 0 || (form == Form::condensed && x.rows == 1)) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const ScanPlan plan = plan_scan(device_of(stream.device), x.rows, y.rows, x.words);
    MatrixSink<Out> sink{
        .out = out, .n_queries = x.rows, .n_rows = y.rows, .pitch = pitch, .form = form};
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

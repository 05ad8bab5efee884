#include "sweep_union.hpp"

#include <string>
#include <utility>

#include "cuda_sweep_lists.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// (begin, t): int64 (tracks + 1), float64 (knots).
using TrackKnots = std::pair<py::object, py::object>;

/// A layout, and the knots of its table.
struct BorrowedKnots {
    cuda::KnotWords layout;
    const double* t;
};

BorrowedKnots knots_of(DeviceArrays& arrays, const TrackKnots& given) {
    BorrowedKnots found{};
    found.layout.begin = arrays.offsets(given.first, "knots.begin", found.layout.tracks);
    found.t = arrays.list<double>(given.second, "knots.t", found.layout.knots);
    return found;
}

/// Words lent as int64.
std::uint64_t* words_of(std::int64_t* words) { return reinterpret_cast<std::uint64_t*>(words); }
const std::uint64_t* words_of(const std::int64_t* words) {
    return reinterpret_cast<const std::uint64_t*>(words);
}

/// The first extent of (cells, words of a cell).
std::int64_t cells_of(const Array& words) { return need_ndim(words, 2).shape[0]; }

void mark_knots(const TableArrays& table_arrays, py::handle cell, py::handle out,
                const TrackKnots& knots, py::handle words, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedTable from = table_of(arrays, table_arrays);
    cuda::CellPairs pairs{};
    pairs.cell = arrays.list<std::int64_t>(cell, "cell", pairs.pairs);
    pairs.out = arrays.in<std::int64_t>(out, "out", {pairs.pairs});
    const auto [layout, t] = knots_of(arrays, knots);
    if (layout.tracks != from.table.tracks) {
        throw py::value_error(
            "knots has " + std::to_string(layout.tracks) +
            " tracks; wanted those of table: " + std::to_string(from.table.tracks));
    }
    const Array& sets = arrays.borrowed(words, "words");
    auto* const bits =
        device_out<std::int64_t>(sets, ElementType::int64, {cells_of(sets), layout.per_cell()});
    cuda::mark_knots(from.table, pairs, layout, t, words_of(bits), arrays.on());
}

void count_knots(py::handle words, py::handle counts, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t n = 0;
    const auto* const bits = arrays.list<std::int64_t>(words, "words", n);
    auto* const found = arrays.out<std::int64_t>(counts, "counts", {n});
    cuda::count_knots(words_of(bits), n, found, arrays.on());
}

void write_knots(py::handle words, py::handle row, const TrackKnots& knots, py::handle begin,
                 py::handle row_list, py::handle t, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const auto [layout, from] = knots_of(arrays, knots);
    const Array& sets = arrays.borrowed(words, "words");
    cuda::MarkedKnots marked{};
    marked.cells = cells_of(sets);
    marked.words = words_of(contiguous_data_anywhere<std::int64_t>(
        sets, ElementType::int64, {marked.cells, layout.per_cell()}));
    marked.row = arrays.in<std::int64_t>(row, "row", {marked.cells * layout.per_cell() + 1});
    const Array& rows = arrays.borrowed(t, "t");
    const std::int64_t n = need_ndim(rows, 1).shape[0];
    cuda::KnotRows to{};
    to.begin = arrays.out<std::int64_t>(begin, "begin", {marked.cells * layout.tracks + 1});
    to.row_list = arrays.out<std::int32_t>(row_list, "row_list", {n});
    to.t = device_out<double>(rows, ElementType::float64, {n});
    cuda::write_knots(marked, layout, from, to, arrays.on());
}

}  // namespace

void bind_cuda_sweep_union(py::module_& module) {
    module.def("mark_knots", &mark_knots, py::arg("table"), py::arg("cell"), py::arg("out"),
               py::arg("knots"), py::arg("words"), py::arg("stream"));
    module.def("count_knots", &count_knots, py::arg("words"), py::arg("counts"), py::arg("stream"));
    module.def("write_knots", &write_knots, py::arg("words"), py::arg("row"), py::arg("knots"),
               py::arg("begin"), py::arg("row_list"), py::arg("t"), py::arg("stream"));
}

}  // namespace splinecode

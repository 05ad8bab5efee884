#include "sweep_rows.hpp"

#include "cuda_sweep_lists.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

void gather_knots(const TableArrays& table_arrays, py::handle pair_list, py::handle pair_begin,
                  py::handle element_pair, py::handle t, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedTable from = table_of(arrays, table_arrays);
    cuda::KnotPairs pairs{};
    std::int64_t n = 0;
    pairs.begin = arrays.offsets(pair_begin, "pair_begin", n);
    pairs.list = arrays.in<std::int64_t>(pair_list, "pair_list", {n});
    pairs.pair = arrays.list<std::int64_t>(element_pair, "element_pair", pairs.elements);
    auto* const knots = arrays.out<double>(t, "t", {pairs.elements});
    cuda::gather_knots(from.table, pairs, knots, arrays.on());
}

void gather_rows(const TableArrays& table_arrays, py::handle lists, py::handle begin,
                 py::handle row_list, py::handle columns, py::handle x, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedTable from = table_of(arrays, table_arrays);
    cuda::RowRuns runs{};
    std::int64_t n = 0;
    std::int64_t n_columns = 0;
    runs.begin = arrays.offsets(begin, "begin", n);
    runs.list = arrays.in<std::int64_t>(lists, "lists", {n});
    runs.row_list = arrays.list<std::int32_t>(row_list, "row_list", runs.rows);
    const auto* const taken = arrays.list<std::int32_t>(columns, "columns", n_columns);
    const Array& out = arrays.borrowed(x, "x");
    with_value_type(out, [&]<class T>(T*) {
        auto* const gathered = device_out<T>(out, element_type_of<T>(), {runs.rows, n_columns});
        cuda::gather_rows(from.table, runs, taken, n_columns, gathered, arrays.on());
    });
}

/// A flat buffer of the values of a node's rows.
template <class T>
T* values_of(const Array& values) {
    return device_out<T>(values, element_type_of<T>(), {need_ndim(values, 1).shape[0]});
}

/// An optional float64 bias, one a column.
const double* bias_of(DeviceArrays& arrays, py::handle bias) {
    std::int64_t columns = 0;
    return bias.is_none() ? nullptr : arrays.list<double>(bias, "bias", columns);
}

/// (term_begin, term_cell, term_from, term_to, term_width): int64 (cells + 1), int32 (terms).
using TermArrays = std::tuple<py::object, py::object, py::object, py::object, py::object>;

cuda::ProductTerms terms_of(DeviceArrays& arrays, const TermArrays& given, std::int64_t cells) {
    const auto& [begin, cell, from, to, width] = given;
    cuda::ProductTerms terms{};
    std::int64_t n = 0;
    terms.begin = arrays.in<std::int64_t>(begin, "term_begin", {cells + 1});
    terms.cell = arrays.list<std::int32_t>(cell, "term_cell", n);
    terms.from = arrays.in<std::int32_t>(from, "term_from", {n});
    terms.to = arrays.in<std::int32_t>(to, "term_to", {n});
    terms.width = arrays.in<std::int32_t>(width, "term_width", {n});
    return terms;
}

void add_products(const TableArrays& table_arrays, const RowsArrays& rows_arrays, py::handle t,
                  py::handle y, py::handle y_begin, const TermArrays& term_arrays, py::handle bias,
                  py::handle values, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedTable from = table_of(arrays, table_arrays);
    const BorrowedRows to = rows_of(arrays, rows_arrays);
    const auto* const knots = arrays.in<double>(t, "t", {to.rows.rows});
    const cuda::ProductTerms terms = terms_of(arrays, term_arrays, to.cells);
    const double* const start = bias_of(arrays, bias);
    const auto* const begin = arrays.in<std::int64_t>(y_begin, "y_begin", {from.lists});
    const Array& matrix = need_ndim(arrays.borrowed(y, "y"), 2);
    const Array& out = arrays.borrowed(values, "values");
    with_value_type(out, [&]<class T>(T*) {
        const cuda::Products<T> products{
            contiguous_data_anywhere<T>(matrix, element_type_of<T>(), matrix.shape), begin,
            matrix.shape[1]};
        cuda::add_products(from.table, to.rows, knots, products, terms, start, values_of<T>(out),
                           arrays.on());
    });
}

/// (entry_begin, entry_cell, entry_column, entry_weight): int64 (columns + 1), int32 (entries)
/// twice, float64 (entries).
using EntryArrays = std::tuple<py::object, py::object, py::object, py::object>;

cuda::Entries entries_of(DeviceArrays& arrays, const EntryArrays& given) {
    const auto& [begin, cell, column, weight] = given;
    cuda::Entries entries{};
    std::int64_t columns = 0;
    std::int64_t n = 0;
    entries.begin = arrays.offsets(begin, "entry_begin", columns);
    entries.cell = arrays.list<std::int32_t>(cell, "entry_cell", n);
    entries.column = arrays.in<std::int32_t>(column, "entry_column", {n});
    entries.weight = arrays.in<double>(weight, "entry_weight", {n});
    return entries;
}

void add_entries(const TableArrays& table_arrays, const RowsArrays& rows_arrays, py::handle t,
                 const EntryArrays& entry_arrays, py::handle bias, py::handle values,
                 std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedTable from = table_of(arrays, table_arrays);
    const BorrowedRows to = rows_of(arrays, rows_arrays);
    const auto* const knots = arrays.in<double>(t, "t", {to.rows.rows});
    const cuda::Entries entries = entries_of(arrays, entry_arrays);
    const double* const start = bias_of(arrays, bias);
    const Array& out = arrays.borrowed(values, "values");
    with_value_type(out, [&]<class T>(T*) {
        cuda::add_entries(from.table, to.rows, knots, entries, start, values_of<T>(out),
                          arrays.on());
    });
}

void measure(const RowsArrays& rows_arrays, py::handle values, py::handle norms, py::handle largest,
             std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedRows of = rows_of(arrays, rows_arrays);
    auto* const norm_bits = arrays.out<std::int64_t>(norms, "norms", {of.lists});
    auto* const largest_bits = arrays.out<std::int64_t>(largest, "largest", {of.lists});
    const Array& from = arrays.borrowed(values, "values");
    with_value_type(from, [&]<class T>(T*) {
        const T* const data =
            contiguous_data_anywhere<T>(from, element_type_of<T>(), need_ndim(from, 1).shape);
        cuda::measure(of.rows, data, norm_bits, largest_bits, arrays.on());
    });
}

// ------------------------------------------------------------------ chords

/// (left, right, weight, root_begin, root_end): int64 (rows), but weight float64.
using ChordArrays = std::tuple<py::object, py::object, py::object, py::object, py::object>;

cuda::ChordRows chords_of(DeviceArrays& arrays, const ChordArrays& given) {
    const auto& [left, right, weight, root_begin, root_end] = given;
    cuda::ChordRows rows{};
    rows.left = arrays.list<std::int64_t>(left, "left", rows.rows);
    rows.right = arrays.in<std::int64_t>(right, "right", {rows.rows});
    rows.weight = arrays.in<double>(weight, "weight", {rows.rows});
    rows.root_begin = arrays.in<std::int64_t>(root_begin, "root_begin", {rows.rows});
    rows.root_end = arrays.in<std::int64_t>(root_end, "root_end", {rows.rows});
    return rows;
}

void expand_chords(const ChordArrays& chord_arrays, py::handle sorted, py::handle column,
                   bool distinct, py::handle v, py::handle w, py::handle y, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const cuda::ChordRows rows = chords_of(arrays, chord_arrays);
    std::int64_t n = 0;
    cuda::ChordColumns columns{};
    columns.sorted = arrays.list<std::int64_t>(sorted, "sorted", n);
    columns.column = arrays.list<std::int64_t>(column, "column", n);
    columns.distinct = distinct;
    const Array& out = arrays.borrowed(y, "y");
    const Array& values = need_ndim(arrays.borrowed(v, "v"), 2);
    const std::int64_t width = values.shape[1];
    const std::int64_t outputs = need_ndim(out, 2).shape[1];
    with_value_type(out, [&]<class T>(T*) {
        const cuda::ChordProducts<T> products{
            contiguous_data_anywhere<T>(values, element_type_of<T>(), {rows.rows, width}), width,
            arrays.in<T>(w, "w", {width, outputs}), outputs,
            device_out<T>(out, element_type_of<T>(), {rows.rows, outputs})};
        cuda::expand_chords(rows, columns, products, arrays.on());
    });
}

// ------------------------------------------------------------------ bounds

/// The tracks of bounds (6, tracks) that are written to.
double* bounds_out(DeviceArrays& arrays, py::handle to, std::int64_t& tracks) {
    const Array& array = need_ndim(arrays.borrowed(to, "to"), 2);
    tracks = array.shape[1];
    return device_out<double>(array, ElementType::float64, {6, tracks});
}

/// Bounds (n, 6, tracks) of n nodes.
const double* bounds_of_nodes(DeviceArrays& arrays, py::handle from, std::int64_t tracks,
                              std::int64_t& n) {
    const Array& array = need_ndim(arrays.borrowed(from, "from"), 3);
    n = array.shape[0];
    return contiguous_data_anywhere<double>(array, ElementType::float64, {n, 6, tracks});
}

/// That of values of 8 or 4 bytes, told by the unit roundoff.
sweep::Arithmetic arithmetic_of(double unit_roundoff) {
    if (unit_roundoff == 0x1p-53) {
        return {unit_roundoff, 0x1p-1074};
    }
    if (unit_roundoff == 0x1p-24) {
        return {unit_roundoff, 0x1p-149, true};
    }
    throw py::value_error("u is that of no values; wanted 2^-53 or 2^-24");
}

/// norms is (row1, row2, bias), map is (operator2, local2, bias2, terms).
void affine_bounds(py::handle from, const std::tuple<py::object, py::object, py::object>& norms,
                   const std::tuple<double, double, double, double>& map, double u, py::handle to,
                   py::handle step, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t tracks = 0;
    auto* const out = bounds_out(arrays, to, tracks);
    auto* const steps = arrays.out<double>(step, "step", {7, tracks});
    const auto* const source = arrays.in<double>(from, "from", {6, tracks});
    cuda::NormArrays units{};
    units.row1 = arrays.list<double>(std::get<0>(norms), "row1", units.units);
    units.row2 = arrays.in<double>(std::get<1>(norms), "row2", {units.units});
    units.bias = arrays.in<double>(std::get<2>(norms), "bias", {units.units});
    const auto& [operator2, local2, bias2, terms] = map;
    cuda::affine_bounds(source, units, {operator2, local2, bias2, terms}, arithmetic_of(u), out,
                        steps, tracks, arrays.on());
}

void sum_bounds(py::handle from, double u, py::handle to, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t tracks = 0;
    std::int64_t n = 0;
    auto* const out = bounds_out(arrays, to, tracks);
    const double* const source = bounds_of_nodes(arrays, from, tracks, n);
    cuda::sum_bounds(source, n, u, out, tracks, arrays.on());
}

void view_bounds(py::handle from, double multiplicity, py::handle to, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t tracks = 0;
    std::int64_t n = 0;
    auto* const out = bounds_out(arrays, to, tracks);
    const double* const source = bounds_of_nodes(arrays, from, tracks, n);
    cuda::view_bounds(source, n, multiplicity, out, tracks, arrays.on());
}

void kink_bounds(py::handle from, double steepest, double multiplicity, py::handle shift,
                 py::handle together, double u, py::handle to, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t tracks = 0;
    auto* const out = bounds_out(arrays, to, tracks);
    const auto* const source = arrays.in<double>(from, "from", {6, tracks});
    const auto* const moved = arrays.in<std::int64_t>(shift, "shift", {tracks});
    const auto* const units = arrays.in<double>(together, "together", {tracks});
    cuda::kink_bounds(source, steepest, multiplicity, moved, units, u, out, tracks, arrays.on());
}

}  // namespace

void bind_cuda_sweep_rows(py::module_& module) {
    module.def("interpolation", &sweep::interpolation_of, py::arg("u"));
    module.def("gather_knots", &gather_knots, py::arg("table"), py::arg("pair_list"),
               py::arg("pair_begin"), py::arg("element_pair"), py::arg("t"), py::arg("stream"));
    module.def("gather_rows", &gather_rows, py::arg("table"), py::arg("lists"), py::arg("begin"),
               py::arg("row_list"), py::arg("columns"), py::arg("x"), py::arg("stream"));
    module.def("add_products", &add_products, py::arg("table"), py::arg("rows"), py::arg("t"),
               py::arg("y"), py::arg("y_begin"), py::arg("terms"), py::arg("bias").none(true),
               py::arg("values"), py::arg("stream"));
    module.def("add_entries", &add_entries, py::arg("table"), py::arg("rows"), py::arg("t"),
               py::arg("entries"), py::arg("bias").none(true), py::arg("values"),
               py::arg("stream"));
    module.def("expand_chords", &expand_chords, py::arg("chords"), py::arg("sorted"),
               py::arg("column"), py::arg("distinct"), py::arg("v"), py::arg("w"), py::arg("y"),
               py::arg("stream"));
    module.def("measure", &measure, py::arg("rows"), py::arg("values"), py::arg("norms"),
               py::arg("largest"), py::arg("stream"));
    module.def("affine_bounds", &affine_bounds, py::arg("from_"), py::arg("norms"), py::arg("map"),
               py::arg("u"), py::arg("to"), py::arg("step"), py::arg("stream"));
    module.def("sum_bounds", &sum_bounds, py::arg("from_"), py::arg("u"), py::arg("to"),
               py::arg("stream"));
    module.def("view_bounds", &view_bounds, py::arg("from_"), py::arg("multiplicity"),
               py::arg("to"), py::arg("stream"));
    module.def("kink_bounds", &kink_bounds, py::arg("from_"), py::arg("steepest"),
               py::arg("multiplicity"), py::arg("shift"), py::arg("together"), py::arg("u"),
               py::arg("to"), py::arg("stream"));
}

}  // namespace splinecode

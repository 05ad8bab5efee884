#include "sweep.hpp"

#include <tuple>
#include <variant>

#include "cuda_sweep_findings.hpp"
#include "cuda_sweep_lists.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

using Three = std::tuple<py::object, py::object, py::object>;

/// (cell, source_column, column_begin): int32 (cells), int32 (columns), int64 (cells + 1).
struct BorrowedUnits {
    cuda::PiecesUnits units;
    std::int64_t cells;
};

BorrowedUnits units_of(DeviceArrays& arrays, const Three& given, std::int64_t thresholds) {
    const auto& [cell, source_column, column_begin] = given;
    BorrowedUnits found{};
    cuda::PiecesUnits& units = found.units;
    units.column_begin = arrays.offsets(column_begin, "column_begin", found.cells);
    units.cell = arrays.in<std::int32_t>(cell, "cell", {found.cells});
    units.source_column = arrays.list<std::int32_t>(source_column, "source_column", units.columns);
    units.thresholds = thresholds;
    return found;
}

// ------------------------------------------------------------------ scan

/// What both passes of a scan take, as Python names it.
struct ScanArguments {
    const TableArrays& table;
    const Three& units;
    const Two& rows;          // begin, row_list
    const Three& tolerances;  // norms, slot, slots
    std::int64_t n_thresholds;
    py::handle thresholds;  // or None: all are 0
    py::handle exact_zeros;
};

/// A scan, all but its type of values, and its lists.
struct BorrowedScan {
    cuda::PiecesScan<double> scan;
    std::int64_t lists;

    template <class T>
    cuda::PiecesScan<T> of() const {
        return {scan.table,      scan.units,       scan.thresholds,
                scan.tolerances, scan.exact_zeros, scan.rows};
    }
};

cuda::PiecesTolerances tolerances_of(DeviceArrays& arrays, const Three& given,
                                     const BorrowedUnits& units, std::int64_t tracks) {
    const auto& [norms, slot, slots] = given;
    const Array& numbers = arrays.borrowed(slots, "slots");
    const std::int64_t n = need_ndim(numbers, 3).shape[0];
    return {arrays.in<double>(norms, "norms", {3, units.units.columns}),
            arrays.in<std::int32_t>(slot, "slot", {units.cells}),
            contiguous_data_anywhere<double>(numbers, ElementType::float64,
                                             {n, cuda::PiecesTolerances::slot_fields, tracks})};
}

BorrowedScan scan_of(DeviceArrays& arrays, const ScanArguments& given) {
    BorrowedScan found{};
    cuda::PiecesScan<double>& scan = found.scan;
    scan.table = table_of(arrays, given.table).table;
    const BorrowedUnits units = units_of(arrays, given.units, given.n_thresholds);
    scan.units = units.units;
    scan.thresholds = given.thresholds.is_none()
                          ? nullptr
                          : arrays.in<double>(given.thresholds, "thresholds",
                                              {given.n_thresholds * units.units.columns});
    scan.tolerances = tolerances_of(arrays, given.tolerances, units, scan.table.tracks);
    scan.exact_zeros = arrays.in<std::uint8_t>(given.exact_zeros, "exact_zeros", {units.cells});
    found.lists = units.cells * scan.table.tracks;
    scan.rows.begin = arrays.in<std::int64_t>(given.rows.first, "begin", {found.lists + 1});
    scan.rows.row_list = arrays.list<std::int32_t>(given.rows.second, "row_list", scan.rows.rows);
    return found;
}

/// Calls work(scan) for values of the type.
template <class Work>
void with_values(const BorrowedScan& scan, bool single, const Work& work) {
    if (single) {
        work(scan.of<float>());
    } else {
        work(scan.of<double>());
    }
}

void count_pieces(const TableArrays& table, const Three& units, const Two& rows,
                  const Three& tolerances, std::int64_t n_thresholds, py::handle thresholds,
                  py::handle exact_zeros, bool single, py::handle counts, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedScan borrowed =
        scan_of(arrays, {table, units, rows, tolerances, n_thresholds, thresholds, exact_zeros});
    auto* const out = arrays.out<std::int64_t>(counts, "counts", {3, borrowed.scan.rows.rows});
    with_values(borrowed, single,
                [&](const auto& scan) { cuda::count_pieces(scan, out, arrays.on()); });
}

void emit_pieces(const TableArrays& table, const Three& units, const Two& rows,
                 const Three& tolerances, std::int64_t n_thresholds, py::handle thresholds,
                 py::handle exact_zeros, bool single, py::handle unit, const KnotsArrays& knots,
                 py::handle starts, const Two& roots, const Two& events, const Two& ranges,
                 py::handle first_codes, std::int64_t layer_word, py::handle shift,
                 py::handle snapped, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedScan borrowed =
        scan_of(arrays, {table, units, rows, tolerances, n_thresholds, thresholds, exact_zeros});
    const std::int64_t tracks = borrowed.scan.table.tracks;
    const cuda::PiecesFindings findings{
        arrays.in<std::int64_t>(unit, "unit", {borrowed.scan.units.columns}),
        knots_of(arrays, knots, tracks),
        arrays.in<std::int64_t>(starts, "starts", {3, borrowed.scan.rows.rows}),
        roots_of(arrays, roots),
        events_of(arrays, events),
        ranges_of(arrays, ranges),
        first_codes_of(arrays, first_codes, tracks, layer_word),
        arrays.out<std::int64_t>(shift, "shift", {tracks}),
        arrays.out<std::int32_t>(snapped, "snapped", {borrowed.lists})};
    with_values(borrowed, single,
                [&](const auto& scan) { cuda::emit_pieces(scan, findings, arrays.on()); });
}

// ------------------------------------------------------------------ settle

void running_max(py::handle keys, py::handle values, py::handle largest, py::handle workspace,
                 std::intptr_t stream) {
    DeviceArrays arrays(stream);
    std::int64_t n = 0;
    const auto* const key = arrays.list<std::int64_t>(keys, "keys", n);
    const auto* const value = arrays.in<double>(values, "values", {n});
    auto* const out = arrays.out<double>(largest, "largest", {n});
    const Array& beside = arrays.borrowed(workspace, "workspace");
    const std::int64_t room = need_ndim(beside, 1).shape[0];
    auto* const memory = device_out<std::int64_t>(beside, ElementType::int64, {room});
    cuda::running_max(key, value, n, out, memory,
                      static_cast<std::size_t>(room) * sizeof(std::int64_t), arrays.on());
}

void settle_roots(const KnotsArrays& knots, const Three& groups, py::handle workspace,
                  const Two& roots, py::handle fresh, py::handle joined, py::handle shift,
                  py::handle together, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const Array& shifts = arrays.borrowed(shift, "shift");
    const std::int64_t tracks = need_ndim(shifts, 1).shape[0];
    const cuda::RootArrays found = roots_of(arrays, roots);
    const std::int64_t n = found.count;
    const auto& [by_snap, starts, track] = groups;
    constexpr std::int64_t words = sizeof(sweep::FollowedLeader) / sizeof(std::int64_t);
    auto* const room = arrays.out<std::int64_t>(workspace, "workspace", {n, words});
    const cuda::RootGroups grouped{arrays.in<std::int64_t>(by_snap, "by_snap", {n}),
                                   arrays.in<std::uint8_t>(starts, "starts", {n}),
                                   arrays.in<std::int64_t>(track, "track", {n}),
                                   reinterpret_cast<sweep::FollowedLeader*>(room)};
    const cuda::SettledRoots settled{arrays.out<std::uint8_t>(fresh, "fresh", {n}),
                                     arrays.out<double>(joined, "joined", {2, n}),
                                     device_out<std::int64_t>(shifts, ElementType::int64, {tracks}),
                                     arrays.out<std::int32_t>(together, "together", {tracks})};
    cuda::settle_roots(knots_of(arrays, knots, tracks), grouped, found, settled, arrays.on());
}

// ------------------------------------------------------------------ fill

/// (thresholds, slopes, intercepts): float64, as the thresholds of a scan.
cuda::PieceFunctions functions_of(DeviceArrays& arrays, const Three& given,
                                  const cuda::PiecesUnits& units) {
    const auto& [thresholds, slopes, intercepts] = given;
    const std::int64_t pieces = (units.thresholds + 1) * units.columns;
    return {false, 0,
            arrays.in<double>(thresholds, "thresholds", {units.thresholds * units.columns}),
            arrays.in<double>(slopes, "slopes", {pieces}),
            arrays.in<double>(intercepts, "intercepts", {pieces})};
}

/// (begin, source_row, weight, root_begin, sorted, root_places): int64 (lists + 1), int64 (new
/// rows), float64 (new rows), int64 (new rows + 1), int64 (some), int64 (6, roots).
using SourceArrays =
    std::tuple<py::object, py::object, py::object, py::object, py::object, py::object>;

cuda::RowSources sources_of(DeviceArrays& arrays, const SourceArrays& given,
                            const BorrowedRows& rows) {
    const auto& [begin, source_row, weight, root_begin, sorted, root_places] = given;
    const std::int64_t n = rows.rows.rows;
    std::int64_t n_sorted = 0;
    const Array& places = arrays.borrowed(root_places, "root_places");
    const std::int64_t roots = columns_of(places);
    return {arrays.in<std::int64_t>(begin, "begin", {rows.lists + 1}),
            arrays.in<std::int64_t>(source_row, "source_row", {n}),
            arrays.in<double>(weight, "weight", {n}),
            arrays.in<std::int64_t>(root_begin, "root_begin", {n + 1}),
            arrays.list<std::int64_t>(sorted, "sorted", n_sorted),
            contiguous_data_anywhere<std::int64_t>(places, ElementType::int64,
                                                   {cuda::RootArrays::place_fields, roots}),
            roots};
}

void fill_pieces(const TableArrays& table_arrays, const Three& units_arrays,
                 std::int64_t n_thresholds, const std::variant<double, Three>& functions,
                 const SourceArrays& sources_arrays, const RowsArrays& rows_arrays,
                 py::handle values, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const cuda::ListTable table = table_of(arrays, table_arrays).table;
    const BorrowedUnits units = units_of(arrays, units_arrays, n_thresholds);
    const BorrowedRows rows = rows_of(arrays, rows_arrays);
    const cuda::RowSources sources = sources_of(arrays, sources_arrays, rows);
    const auto* const pieces = std::get_if<Three>(&functions);
    const cuda::PieceFunctions of_units =
        pieces ? functions_of(arrays, *pieces, units.units)
               : cuda::PieceFunctions{true, std::get<double>(functions), nullptr, nullptr, nullptr};
    const Array& out = arrays.borrowed(values, "values");
    with_value_type(out, [&]<class T>(T*) {
        auto* const data = device_out<T>(out, element_type_of<T>(), {need_ndim(out, 1).shape[0]});
        cuda::fill_pieces(table, units.units, of_units, sources, rows.rows, data, arrays.on());
    });
}

}  // namespace

void bind_cuda_sweep(py::module_& module) {
    module.def("count_pieces", &count_pieces, py::arg("table"), py::arg("units"), py::arg("rows"),
               py::arg("tolerances"), py::arg("n_thresholds"), py::arg("thresholds"),
               py::arg("exact_zeros"), py::arg("single"), py::arg("counts"), py::arg("stream"));
    module.def("emit_pieces", &emit_pieces, py::arg("table"), py::arg("units"), py::arg("rows"),
               py::arg("tolerances"), py::arg("n_thresholds"), py::arg("thresholds"),
               py::arg("exact_zeros"), py::arg("single"), py::arg("unit"), py::arg("knots"),
               py::arg("starts"), py::arg("roots"), py::arg("events"), py::arg("ranges"),
               py::arg("first_codes"), py::arg("layer_word"), py::arg("shift"), py::arg("snapped"),
               py::arg("stream"));
    module.def("running_max_workspace_bytes", &cuda::running_max_workspace_bytes, py::arg("n"));
    module.def("running_max", &running_max, py::arg("keys"), py::arg("values"), py::arg("largest"),
               py::arg("workspace"), py::arg("stream"));
    module.def("settle_roots", &settle_roots, py::arg("knots"), py::arg("groups"),
               py::arg("workspace"), py::arg("roots"), py::arg("fresh"), py::arg("joined"),
               py::arg("shift"), py::arg("together"), py::arg("stream"));
    module.def("fill_pieces", &fill_pieces, py::arg("table"), py::arg("units"),
               py::arg("n_thresholds"), py::arg("functions"), py::arg("sources"), py::arg("rows"),
               py::arg("values"), py::arg("stream"));
}

}  // namespace splinecode

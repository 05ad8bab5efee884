#include "sweep_windows.hpp"

#include "cuda_sweep_findings.hpp"
#include "cuda_sweep_lists.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// (begin, index): int64 (cells + 1), int32 (windows, size).
cuda::Windows windows_of(DeviceArrays& arrays, const Two& given, std::int64_t cells) {
    const Array& index = need_ndim(arrays.borrowed(given.second, "index"), 2);
    return {arrays.in<std::int64_t>(given.first, "window_begin", {cells + 1}),
            contiguous_data_anywhere<std::int32_t>(index, ElementType::int32, index.shape),
            index.shape[1]};
}

/// What both passes of a scan take, as Python names it.
struct ScanArguments {
    const Two& windows;
    const RowsArrays& rows;
    py::handle t;
    py::handle elements;
    py::handle exact;
    const Two& tolerance;  // snap, bound
};

/// A flat buffer of values, as they are.
template <class T>
const T* flat(const Array& values) {
    return contiguous_data_anywhere<T>(values, element_type_of<T>(), need_ndim(values, 1).shape);
}

template <class T>
cuda::WindowScan<T> scan_of(DeviceArrays& arrays, const ScanArguments& given,
                            const Array& elements) {
    const BorrowedRows rows = rows_of(arrays, given.rows);
    std::int64_t columns = 0;
    return {windows_of(arrays, given.windows, rows.cells),
            rows.rows,
            arrays.in<double>(given.t, "t", {rows.rows.rows}),
            flat<T>(elements),
            arrays.list<std::uint8_t>(given.exact, "exact", columns),
            arrays.in<double>(given.tolerance.first, "snap", {rows.rows.tracks}),
            arrays.in<double>(given.tolerance.second, "bound", {rows.rows.tracks})};
}

/// Calls work(scan), of float or double.
template <class Work>
void with_scan(DeviceArrays& arrays, const ScanArguments& given, const Work& work) {
    const Array& elements = arrays.borrowed(given.elements, "elements");
    with_value_type(elements, [&]<class T>(T*) { work(scan_of<T>(arrays, given, elements)); });
}

void count_windows(const Two& windows, const RowsArrays& rows, py::handle t, py::handle elements,
                   py::handle exact, const Two& tolerance, py::handle counts,
                   std::intptr_t stream) {
    DeviceArrays arrays(stream);
    with_scan(arrays, {windows, rows, t, elements, exact, tolerance}, [&](const auto& scan) {
        auto* const out = arrays.out<std::int64_t>(counts, "counts", {4, scan.rows.rows});
        cuda::count_windows(scan, out, arrays.on());
    });
}

void emit_windows(const Two& windows, const RowsArrays& rows, py::handle t, py::handle elements,
                  py::handle exact, const Two& tolerance, py::handle bits, const KnotsArrays& knots,
                  py::handle starts, const Two& roots, const Two& events, const Two& ambiguous,
                  const Two& assumed, py::handle first_codes, std::int64_t layer_word,
                  std::intptr_t stream) {
    DeviceArrays arrays(stream);
    with_scan(arrays, {windows, rows, t, elements, exact, tolerance}, [&](const auto& scan) {
        const std::int64_t tracks = scan.rows.tracks;
        std::int64_t n = 0;
        const cuda::WindowFindings findings{
            arrays.list<std::int64_t>(bits, "bits", n),
            knots_of(arrays, knots, tracks),
            arrays.in<std::int64_t>(starts, "starts", {4, scan.rows.rows}),
            roots_of(arrays, roots),
            events_of(arrays, events),
            ranges_of(arrays, ambiguous),
            ranges_of(arrays, assumed),
            first_codes_of(arrays, first_codes, tracks, layer_word)};
        cuda::emit_windows(scan, findings, arrays.on());
    });
}

void fill_windows(const Two& windows, const RowsArrays& element_rows, py::handle elements,
                  py::handle source_row, py::handle weight, const RowsArrays& rows,
                  py::handle values, std::intptr_t stream) {
    DeviceArrays arrays(stream);
    const BorrowedRows from = rows_of(arrays, element_rows);
    const BorrowedRows to = rows_of(arrays, rows);
    const cuda::Windows taken = windows_of(arrays, windows, from.cells);
    const std::int64_t n = to.rows.rows;
    const cuda::Interpolated source{arrays.in<std::int64_t>(source_row, "source_row", {n}),
                                    arrays.in<double>(weight, "weight", {n})};
    const Array& element_values = arrays.borrowed(elements, "elements");
    const Array& out = arrays.borrowed(values, "values");
    with_value_type(out, [&]<class T>(T*) {
        auto* const maxima = device_out<T>(out, element_type_of<T>(), need_ndim(out, 1).shape);
        cuda::fill_windows(taken, from.rows, flat<T>(element_values), source, to.rows, maxima,
                           arrays.on());
    });
}

}  // namespace

void bind_cuda_sweep_windows(py::module_& module) {
    module.def("count_windows", &count_windows, py::arg("windows"), py::arg("rows"), py::arg("t"),
               py::arg("elements"), py::arg("exact"), py::arg("tolerance"), py::arg("counts"),
               py::arg("stream"));
    module.def("emit_windows", &emit_windows, py::arg("windows"), py::arg("rows"), py::arg("t"),
               py::arg("elements"), py::arg("exact"), py::arg("tolerance"), py::arg("bits"),
               py::arg("knots"), py::arg("starts"), py::arg("roots"), py::arg("events"),
               py::arg("ambiguous"), py::arg("assumed"), py::arg("first_codes"),
               py::arg("layer_word"), py::arg("stream"));
    module.def("fill_windows", &fill_windows, py::arg("windows"), py::arg("element_rows"),
               py::arg("elements"), py::arg("source_row"), py::arg("weight"), py::arg("rows"),
               py::arg("values"), py::arg("stream"));
}

}  // namespace splinecode

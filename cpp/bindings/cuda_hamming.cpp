#include <pybind11/stl.h>

#include "array.hpp"
#include "cuda.hpp"
#include "cuda_stream.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// Codes of one width on one device, borrowed for the work of a stream.
struct TwoSets {
    TwoSets(py::handle x_object, const char* x_name, py::handle y_object, const char* y_name,
            std::intptr_t stream)
        : x(borrow(x_object, x_name, stream)), y(borrow(y_object, y_name, stream)) {
        need_same_width(x, y);
        x_rows = as_code_rows_anywhere(x);
        y_rows = as_code_rows_anywhere(y);
    }

    Array x;
    Array y;
    CodeRows x_rows;
    CodeRows y_rows;
};

/// Calls write(out) with the typed pointer of an int32 or uint16 array.
template <class Write>
void with_counts(const Array& out, const std::vector<std::int64_t>& shape, const Write& write) {
    if (out.type == ElementType::uint16) {
        write(device_out<std::uint16_t>(out, ElementType::uint16, shape));
    } else {
        write(device_out<std::int32_t>(out, ElementType::int32, shape));
    }
}

void matrix(py::handle x_object, py::handle y_object, py::handle out_object, std::intptr_t stream) {
    const TwoSets codes(x_object, "x", y_object, "y", stream);
    const Array out = borrow(out_object, "out", stream);
    const cuda::Stream on = stream_of({&codes.x, &codes.y, &out}, stream);
    with_counts(out, {codes.x_rows.rows, codes.y_rows.rows}, [&](auto* distances) {
        cuda::hamming_matrix(codes.x_rows, codes.y_rows, distances, on);
    });
}

void matrix_symmetric(py::handle x_object, py::handle out_object, std::intptr_t stream) {
    const Array x = borrow(x_object, "x", stream);
    const Array out = borrow(out_object, "out", stream);
    const cuda::Stream on = stream_of({&x, &out}, stream);
    const CodeRows rows = as_code_rows_anywhere(x);
    with_counts(out, {rows.rows, rows.rows},
                [&](auto* distances) { cuda::hamming_matrix_symmetric(rows, distances, on); });
}

void condensed(py::handle x_object, py::handle out_object, std::intptr_t stream) {
    const Array x = borrow(x_object, "x", stream);
    const Array out = borrow(out_object, "out", stream);
    const cuda::Stream on = stream_of({&x, &out}, stream);
    const CodeRows rows = as_code_rows_anywhere(x);
    with_counts(out, {rows.rows * (rows.rows - 1) / 2},
                [&](auto* distances) { cuda::hamming_condensed(rows, distances, on); });
}

void radius_counts(py::handle queries_object, py::handle database_object, std::int32_t radius,
                   bool exclude_self, py::handle counts_object, std::intptr_t stream) {
    const TwoSets codes(queries_object, "queries", database_object, "database", stream);
    const Array out = borrow(counts_object, "counts", stream);
    const cuda::Stream on = stream_of({&codes.x, &codes.y, &out}, stream);
    auto* counts = device_out<std::int64_t>(out, ElementType::int64, {codes.x_rows.rows});
    cuda::count_within(codes.x_rows, codes.y_rows, radius, exclude_self, counts, on);
}

void radius_lists(py::handle queries_object, py::handle database_object, std::int32_t radius,
                  bool exclude_self, py::handle offsets_object, py::handle distances_object,
                  py::handle indices_object, py::handle workspace_object, std::intptr_t stream) {
    const TwoSets codes(queries_object, "queries", database_object, "database", stream);
    const Array offsets = borrow(offsets_object, "offsets", stream);
    const Array distances = borrow(distances_object, "distances", stream);
    const Array indices = borrow(indices_object, "indices", stream);
    const Array workspace = borrow(workspace_object, "workspace", stream);
    const cuda::Stream on =
        stream_of({&codes.x, &codes.y, &offsets, &distances, &indices, &workspace}, stream);
    const std::int64_t queries = codes.x_rows.rows;
    const std::int64_t found = need_ndim(distances, 1).shape[0];
    cuda::fill_within(
        codes.x_rows, codes.y_rows, radius, exclude_self,
        contiguous_data_anywhere<std::int64_t>(offsets, ElementType::int64, {queries + 1}),
        device_out<std::int32_t>(distances, ElementType::int32, {found}),
        device_out<std::int64_t>(indices, ElementType::int64, {found}),
        device_out<std::int64_t>(workspace, ElementType::int64, {queries}), on);
}

/// Where the k nearest of each query go, and the room that the search has.
struct NearestOut {
    NearestOut(py::handle distances_object, py::handle indices_object, py::handle workspace_object,
               std::intptr_t stream)
        : distances(borrow(distances_object, "distances", stream)),
          indices(borrow(indices_object, "indices", stream)),
          workspace(borrow(workspace_object, "workspace", stream)) {}

    /// For so many queries and rows to choose from; sets k and the pointers.
    void need(std::int64_t queries, const Array& database, bool exclude_self) {
        k = need_ndim(distances, 2).shape[1];
        if (k < 1 || k > database.shape[0] - (exclude_self ? 1 : 0)) {
            throw py::value_error("k is " + std::to_string(k) + " but database is a " +
                                  database.described() + (exclude_self ? ", self excluded" : ""));
        }
        distance_data = device_out<std::int32_t>(distances, ElementType::int32, {queries, k});
        index_data = device_out<std::int64_t>(indices, ElementType::int64, {queries, k});
        const std::int64_t room = need_ndim(workspace, 1).shape[0];
        workspace_data = device_out<std::int64_t>(workspace, ElementType::int64, {room});
        workspace_bytes = static_cast<std::size_t>(room) * sizeof(std::int64_t);
    }

    Array distances;
    Array indices;
    Array workspace;
    std::int64_t k = 0;
    std::int32_t* distance_data = nullptr;
    std::int64_t* index_data = nullptr;
    std::int64_t* workspace_data = nullptr;
    std::size_t workspace_bytes = 0;
};

void nearest(py::handle queries_object, py::handle database_object, bool exclude_self,
             py::handle distances_object, py::handle indices_object, py::handle workspace_object,
             std::intptr_t stream) {
    const TwoSets codes(queries_object, "queries", database_object, "database", stream);
    NearestOut out(distances_object, indices_object, workspace_object, stream);
    const cuda::Stream on =
        stream_of({&codes.x, &codes.y, &out.distances, &out.indices, &out.workspace}, stream);
    out.need(codes.x_rows.rows, codes.y, exclude_self);
    cuda::top_k(codes.x_rows, codes.y_rows, out.k, exclude_self, out.distance_data, out.index_data,
                out.workspace_data, out.workspace_bytes, on);
}

void nearest_streamed(py::handle queries_object, py::handle database_object, bool exclude_self,
                      py::handle distances_object, py::handle indices_object,
                      py::handle workspace_object, py::handle buffers_object,
                      std::intptr_t stream) {
    const TwoSets codes(queries_object, "queries", database_object, "database", stream);
    need_host(codes.y);
    NearestOut out(distances_object, indices_object, workspace_object, stream);
    const Array buffers = borrow(buffers_object, "buffers", stream);
    const cuda::Stream on =
        stream_of({&codes.x, &out.distances, &out.indices, &out.workspace, &buffers}, stream);
    out.need(codes.x_rows.rows, codes.y, exclude_self);
    const std::int64_t rows_at_once = need_ndim(buffers, 3).shape[1];
    auto* const rows = device_out<std::uint64_t>(buffers, ElementType::uint64,
                                                 {2, rows_at_once, codes.y_rows.words});
    without_gil([&](const Interrupt& interrupt) {
        cuda::top_k_streamed(codes.x_rows, codes.y_rows, out.k, exclude_self, out.distance_data,
                             out.index_data, out.workspace_data, out.workspace_bytes, rows,
                             rows_at_once, on, interrupt);
        return 0;
    });
}

}  // namespace

void bind_cuda_hamming(py::module_& module) {
    module.def("routes", &cuda::routes, py::arg("device") = 0);
    module.def("route", &cuda::route);
    module.def("set_route", &cuda::set_route, py::arg("name"));
    module.def("probe_b1", &cuda::probe_b1, py::arg("seconds"), py::arg("device") = 0);
    module.def("hamming_matrix", &matrix, py::arg("x"), py::arg("y"), py::arg("out"),
               py::arg("stream"));
    module.def("hamming_matrix_symmetric", &matrix_symmetric, py::arg("x"), py::arg("out"),
               py::arg("stream"));
    module.def("hamming_condensed", &condensed, py::arg("x"), py::arg("out"), py::arg("stream"));
    module.def("count_within", &radius_counts, py::arg("queries"), py::arg("database"),
               py::arg("radius"), py::arg("exclude_self"), py::arg("counts"), py::arg("stream"));
    module.def("fill_within", &radius_lists, py::arg("queries"), py::arg("database"),
               py::arg("radius"), py::arg("exclude_self"), py::arg("offsets"), py::arg("distances"),
               py::arg("indices"), py::arg("workspace"), py::arg("stream"));
    module.def("top_k_workspace_bytes", &cuda::top_k_workspace_bytes, py::arg("queries"),
               py::arg("rows"), py::arg("k"));
    module.def("top_k", &nearest, py::arg("queries"), py::arg("database"), py::arg("exclude_self"),
               py::arg("distances"), py::arg("indices"), py::arg("workspace"), py::arg("stream"));
    module.def("top_k_streamed", &nearest_streamed, py::arg("queries"), py::arg("database"),
               py::arg("exclude_self"), py::arg("distances"), py::arg("indices"),
               py::arg("workspace"), py::arg("buffers"), py::arg("stream"));
}

}  // namespace splinecode

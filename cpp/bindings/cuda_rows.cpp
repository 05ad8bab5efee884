#include <pybind11/stl.h>

#include "array.hpp"
#include "checks.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "cuda_stream.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// The rows of an optional array, or null.
struct OptionalRows {
    OptionalRows(py::handle object, const char* name, std::intptr_t stream) {
        if (!object.is_none()) {
            array = borrow(object, name, stream);
            given = &rows;
        }
    }
    /// `others` and the array are on one device; the array has the shape. Returns the device.
    int need_beside(std::vector<const Array*> others, const std::vector<std::int64_t>& shape) {
        if (given) {
            others.push_back(&array);
            rows = as_code_rows_anywhere(need_shape(array, shape));
        }
        return need_same_cuda_device(others);
    }
    // `given` points into the object itself.
    OptionalRows(const OptionalRows&) = delete;
    OptionalRows& operator=(const OptionalRows&) = delete;

    Array array;
    CodeRows rows;
    const CodeRows* given = nullptr;
};

void pack_on_device(py::handle z_object, py::handle words_object, double threshold,
                    py::handle first_nan_object, std::intptr_t stream) {
    const Array z = borrow(z_object, "z", stream);
    const Array words = borrow(words_object, "words", stream);
    const Array first_nan = borrow(first_nan_object, "first_nan", stream);
    const cuda::Stream on = stream_of({&z, &words, &first_nan}, stream);
    const StridedRows rows = as_strided_rows(need_preactivations(z));
    cuda::pack(rows, threshold,
               device_out<std::uint64_t>(words, ElementType::uint64, packed_shape(z)),
               device_out<std::int64_t>(first_nan, ElementType::int64, {1}), on);
}

void unpack_on_device(py::handle words_object, py::handle bits_object, std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array out = borrow(bits_object, "bits", stream);
    const int device = need_same_cuda_device({&words, &out});
    const CodeRows rows = as_code_rows_anywhere(words);
    const std::int64_t n_bits = need_ndim(out, 2).shape[1];
    auto* bits = device_out<std::uint8_t>(out, ElementType::boolean, {rows.rows, n_bits});
    need_shape(words, {rows.rows, words_for(n_bits)});
    cuda::unpack(rows.data, rows.rows, rows.stride, n_bits, bits, stream_on(device, stream));
}

void paired(py::handle a_object, py::handle b_object, const Ranges& ranges, py::handle out_object,
            py::handle mask_object, std::intptr_t stream) {
    const Array a = borrow(a_object, "a", stream);
    const Array b = borrow(b_object, "b", stream);
    const Array out = borrow(out_object, "out", stream);
    OptionalRows mask(mask_object, "mask", stream);
    need_same_width(a, b);
    const CodeRows a_rows = as_code_rows_anywhere(a);
    const CodeRows b_rows = as_code_rows_anywhere(need_shape(b, a.shape));
    const int device = mask.need_beside({&a, &b, &out}, a.shape);
    const std::vector<WordRange> layers = checked_layers(ranges, a_rows.words);
    auto* distances = device_out<std::int32_t>(
        out, ElementType::int32, {a_rows.rows, static_cast<std::int64_t>(layers.size())});
    cuda::hamming_paired(a_rows, b_rows, mask.given, layers, distances, stream_on(device, stream));
}

void reduce(py::handle words_object, py::handle offsets_object, py::handle reference_object,
            bool all, py::handle out_object, std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array offsets = borrow(offsets_object, "offsets", stream);
    const Array out = borrow(out_object, "out", stream);
    OptionalRows reference(reference_object, "reference", stream);
    const CodeRows rows = as_code_rows_anywhere(words);
    const std::int64_t bounds = need_ndim(offsets, 1).shape[0];
    const auto* starts =
        contiguous_data_anywhere<std::int64_t>(offsets, ElementType::int64, {bounds});
    if (bounds == 0) {
        throw py::value_error("offsets is empty; wanted one entry more than there are groups");
    }
    const int device = reference.need_beside({&words, &offsets, &out}, {bounds - 1, rows.words});
    auto* reduced = device_out<std::uint64_t>(out, ElementType::uint64, {bounds - 1, rows.words});
    cuda::reduce_differences(rows, starts, bounds - 1, reference.given,
                             all ? Flipped::all : Flipped::any, reduced, stream_on(device, stream));
}

void counts(py::handle words_object, const std::vector<std::int64_t>& layer_bits,
            py::handle out_object, std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array out = borrow(out_object, "out", stream);
    const int device = need_same_cuda_device({&words, &out});
    const std::int64_t units = need_layers(words, layer_bits);
    const CodeRows rows = as_code_rows_anywhere(words);
    auto* active = device_out<std::int64_t>(out, ElementType::int64, {units});
    cuda::column_counts(rows, layer_bits, active, stream_on(device, stream));
}

void transpose(py::handle words_object, const std::vector<std::int64_t>& layer_bits,
               py::handle out_object, std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array out = borrow(out_object, "out", stream);
    const int device = need_same_cuda_device({&words, &out});
    const std::int64_t units = need_layers(words, layer_bits);
    const CodeRows rows = as_code_rows_anywhere(words);
    auto* unit_major =
        device_out<std::uint64_t>(out, ElementType::uint64, {units, words_for(rows.rows)});
    cuda::transpose_bits(rows, layer_bits, unit_major, stream_on(device, stream));
}

void argsort_codes(py::handle words_object, py::handle order_object, py::handle workspace_object,
                   std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array order = borrow(order_object, "order", stream);
    const Array workspace = borrow(workspace_object, "workspace", stream);
    const int device = need_same_cuda_device({&words, &order, &workspace});
    const CodeRows codes = as_code_rows_anywhere(words);
    auto* out = device_out<std::int64_t>(order, ElementType::int64, {codes.rows});
    const std::int64_t room = need_ndim(workspace, 1).shape[0];
    auto* beside = device_out<std::int64_t>(workspace, ElementType::int64, {room});
    cuda::argsort(codes, out, beside, static_cast<std::size_t>(room) * sizeof(std::int64_t),
                  stream_on(device, stream));
}

void mark_distinct_codes(py::handle words_object, py::handle order_object, py::handle starts_object,
                         std::intptr_t stream) {
    const Array words = borrow(words_object, "words", stream);
    const Array order = borrow(order_object, "order", stream);
    const Array starts = borrow(starts_object, "starts", stream);
    const int device = need_same_cuda_device({&words, &order, &starts});
    const CodeRows codes = as_code_rows_anywhere(words);
    const auto* rows =
        contiguous_data_anywhere<std::int64_t>(order, ElementType::int64, {codes.rows});
    auto* out = device_out<std::uint8_t>(starts, ElementType::boolean, {codes.rows});
    cuda::mark_distinct(codes, rows, out, stream_on(device, stream));
}

void match_codes(py::handle a_object, py::handle b_object, py::handle order_object,
                 py::handle found_object, std::intptr_t stream) {
    const Array a = borrow(a_object, "a", stream);
    const Array b = borrow(b_object, "b", stream);
    const Array order_b = borrow(order_object, "order_b", stream);
    const Array found = borrow(found_object, "found", stream);
    const int device = need_same_cuda_device({&a, &b, &order_b, &found});
    const CodeRows a_codes = as_code_rows_anywhere(a);
    const CodeRows b_codes = as_code_rows_anywhere(b);
    need_shape(b, {b_codes.rows, a_codes.words});
    const auto* order =
        contiguous_data_anywhere<std::int64_t>(order_b, ElementType::int64, {b_codes.rows});
    auto* out = device_out<std::int64_t>(found, ElementType::int64, {a_codes.rows});
    cuda::match(a_codes, b_codes, order, out, stream_on(device, stream));
}

}  // namespace

void bind_cuda_rows(py::module_& module) {
    module.def("pack", &pack_on_device, py::arg("z"), py::arg("words"), py::arg("threshold"),
               py::arg("first_nan"), py::arg("stream"));
    module.def("unpack", &unpack_on_device, py::arg("words"), py::arg("bits"), py::arg("stream"));
    module.def("hamming_paired", &paired, py::arg("a"), py::arg("b"), py::arg("layers"),
               py::arg("out"), py::arg("mask").none(true), py::arg("stream"));
    module.def("reduce_differences", &reduce, py::arg("words"), py::arg("offsets"),
               py::arg("reference").none(true), py::arg("all"), py::arg("out"), py::arg("stream"));
    module.def("column_counts", &counts, py::arg("words"), py::arg("layer_bits"), py::arg("out"),
               py::arg("stream"));
    module.def("transpose_bits", &transpose, py::arg("words"), py::arg("layer_bits"),
               py::arg("out"), py::arg("stream"));
    module.def("argsort_workspace_bytes", &cuda::argsort_workspace_bytes, py::arg("rows"));
    module.def("argsort", &argsort_codes, py::arg("words"), py::arg("order"), py::arg("workspace"),
               py::arg("stream"));
    module.def("mark_distinct", &mark_distinct_codes, py::arg("words"), py::arg("order"),
               py::arg("starts"), py::arg("stream"));
    module.def("match", &match_codes, py::arg("a"), py::arg("b"), py::arg("order_b"),
               py::arg("found"), py::arg("stream"));
}

}  // namespace splinecode

#include "array.hpp"
#include "checks.hpp"
#include "module.hpp"

#if defined(SPLINECODE_CUDA)
#include "cuda.hpp"
#endif

namespace splinecode {

#if defined(SPLINECODE_CUDA)
namespace {

/// `stream` as DLPack numbers it: 1 is the legacy default stream, 2 the per-thread one, which are
/// also the handles CUDA gives them.
void pack_on_device(py::handle z_object, py::handle words_object, double threshold,
                    py::handle first_nan_object, std::intptr_t stream) {
    const Array z = borrow(z_object, "z", stream);
    const Array words = borrow(words_object, "words", stream);
    const Array first_nan = borrow(first_nan_object, "first_nan", stream);
    const int device = need_same_cuda_device({&z, &words, &first_nan});
    const StridedRows rows = as_strided_rows(need_preactivations(z));
    need_contiguous(need_shape(need_type(words, ElementType::uint64), packed_shape(z)));
    need_shape(need_type(first_nan, ElementType::int64), {1});
    cuda::pack(rows, threshold, static_cast<std::uint64_t*>(words.data),
               static_cast<std::int64_t*>(first_nan.data),
               {device, static_cast<std::uintptr_t>(stream)});
}

void nearest_on_device(py::handle queries_object, py::handle database_object, bool exclude_self,
                       py::handle distances_object, py::handle indices_object,
                       py::handle workspace_object, std::intptr_t stream) {
    const Array queries = borrow(queries_object, "queries", stream);
    const Array database = borrow(database_object, "database", stream);
    const Array distances = borrow(distances_object, "distances", stream);
    const Array indices = borrow(indices_object, "indices", stream);
    const Array workspace = borrow(workspace_object, "workspace", stream);
    const int device =
        need_same_cuda_device({&queries, &database, &distances, &indices, &workspace});
    need_contiguous(need_ndim(need_type(queries, ElementType::uint64), 2));
    need_contiguous(need_ndim(need_type(database, ElementType::uint64), 2));
    need_shape(database, {database.shape[0], queries.shape[1]});
    const std::int64_t k = need_ndim(distances, 2).shape[1];
    if (k < 1 || k > database.shape[0] - (exclude_self ? 1 : 0)) {
        throw py::value_error("k is " + std::to_string(k) + " but database is a " +
                              database.described() + (exclude_self ? ", self excluded" : ""));
    }
    need_contiguous(need_shape(need_type(distances, ElementType::int32), {queries.shape[0], k}));
    need_contiguous(need_shape(need_type(indices, ElementType::int64), {queries.shape[0], k}));
    need_contiguous(need_ndim(need_type(workspace, ElementType::int64), 1));
    cuda::top_k(static_cast<const std::uint64_t*>(queries.data), queries.shape[0],
                static_cast<const std::uint64_t*>(database.data), database.shape[0],
                queries.shape[1], k, exclude_self, static_cast<std::int32_t*>(distances.data),
                static_cast<std::int64_t*>(indices.data), workspace.data,
                static_cast<std::size_t>(workspace.size()) * size_of(workspace.type),
                {device, static_cast<std::uintptr_t>(stream)});
}

}  // namespace
#endif

void bind_cuda(py::module_& module) {
#if defined(SPLINECODE_CUDA_EMULATED)
    module.attr("cuda_emulated") = true;
#else
    module.attr("cuda_emulated") = false;
#endif
#if defined(SPLINECODE_CUDA)
    module.attr("cuda_built") = true;
    py::module_ sub = module.def_submodule(
        "cuda", "The functions of _core for arrays on a CUDA device: a stream comes last.");
    sub.def("device_count", &cuda::device_count);
    sub.def("status", &cuda::status);
    sub.def("pack", &pack_on_device, py::arg("z"), py::arg("words"), py::arg("threshold"),
            py::arg("first_nan"), py::arg("stream"));
    bind_cuda_rows(sub);
    sub.def("top_k_workspace_bytes", &cuda::top_k_workspace_bytes, py::arg("queries"),
            py::arg("rows"));
    sub.def("top_k", &nearest_on_device, py::arg("queries"), py::arg("database"),
            py::arg("exclude_self"), py::arg("distances"), py::arg("indices"), py::arg("workspace"),
            py::arg("stream"));
#else
    module.attr("cuda_built") = false;
#endif
}

}  // namespace splinecode

#include "pruned_index.hpp"

#include "array.hpp"
#include "module.hpp"
#include "queries.hpp"

namespace splinecode {
namespace {

std::unique_ptr<PrunedIndex> make_index(py::handle codes_object) {
    const Array codes = borrow(codes_object, "codes");
    const CodeRows rows = as_code_rows(codes);
    return without_gil(
        [&](const Interrupt& interrupt) { return std::make_unique<PrunedIndex>(rows, interrupt); });
}

py::dict nearest(const PrunedIndex& index, py::handle queries_object, bool exclude_self,
                 py::handle distances_object, py::handle indices_object) {
    const Queries queries(queries_object, index.rows(), index.words());
    const Array out = borrow(distances_object, "distances");
    const std::int64_t k = need_ndim(out, 2).shape[1];
    if (k > index.rows() - (exclude_self ? 1 : 0)) {
        throw py::value_error("k is " + std::to_string(k) + " but the index holds " +
                              std::to_string(index.rows()) + " codes");
    }
    auto* distances = contiguous_data<std::int32_t>(need_writable(out), ElementType::int32,
                                                    {queries.rows_asked, k});
    const Array index_out = borrow(indices_object, "indices");
    auto* indices = contiguous_data<std::int64_t>(need_writable(index_out), ElementType::int64,
                                                  {queries.rows_asked, k});
    return described(without_gil([&](const Interrupt& interrupt) {
        return index.top_k(queries.given, k, exclude_self, distances, indices, interrupt);
    }));
}

/// sampled(queries, database, k or radius), without the GIL.
template <class Value, double (*sampled)(const CodeRows&, const CodeRows&, Value, const Interrupt&)>
double share(py::handle queries_object, py::handle database_object, Value value) {
    const Array queries = borrow(queries_object, "queries");
    const Array database = borrow(database_object, "database");
    need_same_width(queries, database);
    const CodeRows query_rows = as_code_rows(queries);
    const CodeRows rows = as_code_rows(database);
    return without_gil(
        [&](const Interrupt& interrupt) { return sampled(query_rows, rows, value, interrupt); });
}

}  // namespace

void bind_pruned(py::module_& module) {
    py::class_<PrunedIndex>(module, "PrunedIndex")
        .def(py::init(&make_index), py::arg("codes"))
        .def_property_readonly("rows", &PrunedIndex::rows)
        .def_property_readonly("nbytes", &PrunedIndex::bytes)
        .def("top_k", &nearest, py::arg("queries"), py::arg("exclude_self"), py::arg("distances"),
             py::arg("indices"))
        .def("count_within", &counts_within<PrunedIndex>, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"), py::arg("counts"))
        .def("within_radius", &lists_within<PrunedIndex>, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"));
    module.def("sampled_share", &share<std::int64_t, sampled_share>, py::arg("queries"),
               py::arg("database"), py::arg("k"));
    module.def("sampled_radius_share", &share<std::int32_t, sampled_radius_share>,
               py::arg("queries"), py::arg("database"), py::arg("radius"));
}

}  // namespace splinecode

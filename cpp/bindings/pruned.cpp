#include "pruned_index.hpp"

#include "array.hpp"
#include "module.hpp"
#include "queries.hpp"

namespace splinecode {
namespace {

CodeRows code_rows(py::handle object, const char* name) {
    return as_code_rows(borrow(object, name));
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

py::dict counts(const PrunedIndex& index, py::handle queries_object, std::int32_t radius,
                bool exclude_self, py::handle counts_object) {
    const Queries queries(queries_object, index.rows(), index.words());
    const Array out = borrow(counts_object, "counts");
    auto* to =
        contiguous_data<std::int64_t>(need_writable(out), ElementType::int64, {queries.rows_asked});
    return described(without_gil([&](const Interrupt& interrupt) {
        return index.count_within(queries.given, radius, exclude_self, to, interrupt);
    }));
}

py::tuple lists(const PrunedIndex& index, py::handle queries_object, std::int32_t radius,
                bool exclude_self) {
    const Queries queries(queries_object, index.rows(), index.words());
    NeighborLists found;
    const SearchStats stats = without_gil([&](const Interrupt& interrupt) {
        return index.within_radius(queries.given, radius, exclude_self, found, interrupt);
    });
    return py::make_tuple(to_numpy(std::move(found.offsets)), to_numpy(std::move(found.indices)),
                          to_numpy(std::move(found.distances)), described(stats));
}

}  // namespace

void bind_pruned(py::module_& module) {
    py::class_<PrunedIndex>(module, "PrunedIndex")
        .def(py::init([](py::handle codes_object) {
                 const CodeRows codes = code_rows(codes_object, "codes");
                 return without_gil([&](const Interrupt& interrupt) {
                     return std::make_unique<PrunedIndex>(codes, interrupt);
                 });
             }),
             py::arg("codes"))
        .def_property_readonly("rows", &PrunedIndex::rows)
        .def_property_readonly("nbytes", &PrunedIndex::bytes)
        .def("top_k", &nearest, py::arg("queries"), py::arg("exclude_self"), py::arg("distances"),
             py::arg("indices"))
        .def("count_within", &counts, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"), py::arg("counts"))
        .def("within_radius", &lists, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"));
    module.def(
        "sampled_share",
        [](py::handle queries_object, py::handle database_object, std::int64_t k) {
            const Array queries = borrow(queries_object, "queries");
            const Array database = borrow(database_object, "database");
            const CodeRows query_rows = as_code_rows(queries);
            const CodeRows rows = as_code_rows(database);
            return without_gil([&](const Interrupt& interrupt) {
                return sampled_share(query_rows, rows, k, interrupt);
            });
        },
        py::arg("queries"), py::arg("database"), py::arg("k"));
    module.def(
        "sampled_radius_share",
        [](py::handle queries_object, py::handle database_object, std::int32_t radius) {
            const Array queries = borrow(queries_object, "queries");
            const Array database = borrow(database_object, "database");
            const CodeRows query_rows = as_code_rows(queries);
            const CodeRows rows = as_code_rows(database);
            return without_gil([&](const Interrupt& interrupt) {
                return sampled_radius_share(query_rows, rows, radius, interrupt);
            });
        },
        py::arg("queries"), py::arg("database"), py::arg("radius"));
}

}  // namespace splinecode

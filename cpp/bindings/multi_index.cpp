#include "multi_index.hpp"

#include "array.hpp"
#include "module.hpp"
#include "queries.hpp"

namespace splinecode {
namespace {

std::unique_ptr<MultiIndex> make_index(py::handle codes_object, std::int32_t radius) {
    const Array codes = borrow(codes_object, "codes");
    const CodeRows rows = as_code_rows(codes);
    return without_gil([&](const Interrupt& interrupt) {
        return std::make_unique<MultiIndex>(rows, radius, interrupt);
    });
}

py::dict counts(const MultiIndex& index, py::handle queries_object, std::int32_t radius,
                bool exclude_self, py::handle counts_object) {
    const Queries queries(queries_object, index.rows(), index.words());
    const Array out = borrow(counts_object, "counts");
    auto* to =
        contiguous_data<std::int64_t>(need_writable(out), ElementType::int64, {queries.rows_asked});
    return described(without_gil([&](const Interrupt& interrupt) {
        return index.count_within(queries.given, radius, exclude_self, to, interrupt);
    }));
}

py::tuple lists(const MultiIndex& index, py::handle queries_object, std::int32_t radius,
                bool exclude_self) {
    const Queries queries(queries_object, index.rows(), index.words());
    NeighborLists found;
    const SearchStats stats = without_gil([&](const Interrupt& interrupt) {
        return index.within_radius(queries.given, radius, exclude_self, found, interrupt);
    });
    return py::make_tuple(to_numpy(std::move(found.offsets)), to_numpy(std::move(found.indices)),
                          to_numpy(std::move(found.distances)), described(stats));
}

double candidates(py::handle queries_object, py::handle codes_object, std::int32_t radius) {
    const Array codes = borrow(codes_object, "codes");
    const CodeRows rows = as_code_rows(codes);
    const Queries queries(queries_object, rows.rows, rows.words);
    return without_gil([&](const Interrupt& interrupt) {
        return sampled_candidates(queries.given, rows, radius, interrupt);
    });
}

}  // namespace

void bind_multi_index(py::module_& module) {
    py::class_<MultiIndex>(module, "MultiIndex")
        .def(py::init(&make_index), py::arg("codes"), py::arg("radius"))
        .def_property_readonly("rows", &MultiIndex::rows)
        .def_property_readonly("radius", &MultiIndex::radius)
        .def_property_readonly("nbytes", &MultiIndex::bytes)
        .def("count_within", &counts, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"), py::arg("counts"))
        .def("within_radius", &lists, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"));
    module.def("sampled_candidates", &candidates, py::arg("queries"), py::arg("codes"),
               py::arg("radius"));
}

}  // namespace splinecode

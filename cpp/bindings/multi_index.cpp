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
        .def("count_within", &counts_within<MultiIndex>, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"), py::arg("counts"))
        .def("within_radius", &lists_within<MultiIndex>, py::arg("queries"), py::arg("radius"),
             py::arg("exclude_self"));
    module.def("sampled_candidates", &candidates, py::arg("queries"), py::arg("codes"),
               py::arg("radius"));
}

}  // namespace splinecode

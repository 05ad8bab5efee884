#include "pairs.hpp"

#include <pybind11/stl.h>

#include "array.hpp"
#include "checks.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

void paired(py::handle a_object, py::handle b_object, const Ranges& ranges, py::handle out_object,
            py::handle mask_object) {
    const Array a = borrow(a_object, "a");
    const Array b = borrow(b_object, "b");
    need_same_width(a, b);
    const CodeRows a_rows = as_code_rows(a);
    const CodeRows b_rows = as_code_rows(need_shape(b, a.shape));
    Array mask;
    CodeRows mask_rows;
    if (!mask_object.is_none()) {
        mask = borrow(mask_object, "mask");
        mask_rows = as_code_rows(need_shape(mask, a.shape));
    }
    const std::vector<WordRange> layers = checked_layers(ranges, a_rows.words);
    const Array out = borrow(out_object, "out");
    auto* distances =
        contiguous_data<std::int32_t>(need_writable(out), ElementType::int32,
                                      {a_rows.rows, static_cast<std::int64_t>(layers.size())});
    without_gil([&](const Interrupt& interrupt) {
        hamming_paired(a_rows, b_rows, mask_object.is_none() ? nullptr : &mask_rows, layers,
                       distances, interrupt);
        return 0;
    });
}

}  // namespace

void bind_pairs(py::module_& module) {
    module.def("hamming_paired", &paired, py::arg("a"), py::arg("b"), py::arg("layers"),
               py::arg("out"), py::arg("mask").none(true) = py::none());
}

}  // namespace splinecode

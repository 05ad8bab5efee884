#include "units.hpp"

#include <pybind11/stl.h>

#include "array.hpp"
#include "checks.hpp"
#include "codes.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

void counts(py::handle words_object, const std::vector<std::int64_t>& layer_bits,
            py::handle out_object) {
    const Array words = borrow(words_object, "words");
    const std::int64_t units = need_layers(words, layer_bits);
    const CodeRows rows = as_code_rows(words);
    const Array out = borrow(out_object, "out");
    auto* active = contiguous_data<std::int64_t>(need_writable(out), ElementType::int64, {units});
    without_gil([&](const Interrupt& interrupt) {
        column_counts(rows, layer_bits, active, interrupt);
        return 0;
    });
}

void transpose(py::handle words_object, const std::vector<std::int64_t>& layer_bits,
               py::handle out_object) {
    const Array words = borrow(words_object, "words");
    const std::int64_t units = need_layers(words, layer_bits);
    const CodeRows rows = as_code_rows(words);
    const Array out = borrow(out_object, "out");
    auto* unit_major = contiguous_data<std::uint64_t>(need_writable(out), ElementType::uint64,
                                                      {units, words_for(rows.rows)});
    without_gil([&](const Interrupt& interrupt) {
        transpose_bits(rows, layer_bits, unit_major, interrupt);
        return 0;
    });
}

}  // namespace

void bind_units(py::module_& module) {
    module.def("column_counts", &counts, py::arg("words"), py::arg("layer_bits"), py::arg("out"));
    module.def("transpose_bits", &transpose, py::arg("words"), py::arg("layer_bits"),
               py::arg("out"));
}

}  // namespace splinecode

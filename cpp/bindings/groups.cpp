#include "groups.hpp"

#include "array.hpp"
#include "checks.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

void reduce(py::handle words_object, py::handle offsets_object, py::handle reference_object,
            bool all, py::handle out_object) {
    const Array words = borrow(words_object, "words");
    const CodeRows rows = as_code_rows(words);
    const std::vector<std::int64_t> offsets =
        checked_offsets(borrow(offsets_object, "offsets"), rows.rows);
    const auto groups = static_cast<std::int64_t>(offsets.size()) - 1;
    Array reference;
    CodeRows reference_rows;
    if (!reference_object.is_none()) {
        reference = borrow(reference_object, "reference");
        reference_rows = as_code_rows(need_shape(reference, {groups, rows.words}));
    }
    const Array out = borrow(out_object, "out");
    auto* reduced = contiguous_data<std::uint64_t>(need_writable(out), ElementType::uint64,
                                                   {groups, rows.words});
    without_gil([&](const Interrupt& interrupt) {
        reduce_differences(rows, offsets, reference_object.is_none() ? nullptr : &reference_rows,
                           all ? Flipped::all : Flipped::any, reduced, interrupt);
        return 0;
    });
}

}  // namespace

void bind_groups(py::module_& module) {
    module.def("reduce_differences", &reduce, py::arg("words"), py::arg("offsets"),
               py::arg("reference").none(true), py::arg("all"), py::arg("out"));
}

}  // namespace splinecode

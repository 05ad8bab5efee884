#include "sets.hpp"

#include "array.hpp"
#include "module.hpp"
#include "sorting.hpp"

namespace splinecode {
namespace {

/// An int64 array of one entry a row, to write to.
std::int64_t* out_of(const Array& array, std::int64_t rows) {
    return contiguous_data<std::int64_t>(need_writable(array), ElementType::int64, {rows});
}

std::int64_t unique_codes(py::handle words_object, py::handle representative_object,
                          py::handle inverse_object, py::handle counts_object) {
    const Array words = borrow(words_object, "words");
    const CodeRows codes = as_code_rows(words);
    const Array representative = borrow(representative_object, "representative");
    const Array inverse = borrow(inverse_object, "inverse");
    const Array counts = borrow(counts_object, "counts");
    std::int64_t* outs[] = {out_of(representative, codes.rows), out_of(inverse, codes.rows),
                            out_of(counts, codes.rows)};
    return without_gil([&](const Interrupt& interrupt) {
        return unique(codes, outs[0], outs[1], outs[2], interrupt);
    });
}

void argsort_codes(py::handle words_object, py::handle order_object) {
    const Array words = borrow(words_object, "words");
    const CodeRows codes = as_code_rows(words);
    const Array order = borrow(order_object, "order");
    std::int64_t* out = out_of(order, codes.rows);
    without_gil([&](const Interrupt& interrupt) {
        argsort(codes, out, interrupt);
        return 0;
    });
}

void match_codes(py::handle a_object, py::handle b_object, py::handle found_object) {
    const Array a = borrow(a_object, "a");
    const Array b = borrow(b_object, "b");
    const CodeRows a_codes = as_code_rows(a);
    const CodeRows b_codes = as_code_rows(b);
    need_shape(b, {b_codes.rows, a_codes.words});
    const Array found = borrow(found_object, "found");
    std::int64_t* out = out_of(found, a_codes.rows);
    without_gil([&](const Interrupt& interrupt) {
        match(a_codes, b_codes, out, interrupt);
        return 0;
    });
}

}  // namespace

void bind_sets(py::module_& module) {
    module.def("unique", &unique_codes, py::arg("words"), py::arg("representative"),
               py::arg("inverse"), py::arg("counts"));
    module.def("argsort", &argsort_codes, py::arg("words"), py::arg("order"));
    module.def("match", &match_codes, py::arg("a"), py::arg("b"), py::arg("found"));
}

}  // namespace splinecode

#include "codes.hpp"

#include "array.hpp"
#include "checks.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

std::int64_t pack_array(py::handle z_object, py::handle words_object, double threshold) {
    const Array z = borrow(z_object, "z");
    const StridedRows rows = as_strided_rows(need_host(need_preactivations(z)));
    const Array out = borrow(words_object, "words");
    auto* words =
        contiguous_data<std::uint64_t>(need_writable(out), ElementType::uint64, packed_shape(z));
    return without_gil(
        [&](const Interrupt& interrupt) { return pack(rows, threshold, words, interrupt); });
}

void unpack_array(py::handle words_object, py::handle bits_object) {
    const Array words = borrow(words_object, "words");
    const CodeRows rows = as_code_rows(words);
    const Array out = borrow(bits_object, "bits");
    need_ndim(out, 2);
    auto* bits = contiguous_data<std::uint8_t>(need_writable(out), ElementType::boolean,
                                               {rows.rows, out.shape[1]});
    need_shape(words, {rows.rows, words_for(out.shape[1])});
    without_gil([&](const Interrupt& interrupt) {
        unpack(rows.data, rows.rows, rows.stride, out.shape[1], bits, interrupt);
        return 0;
    });
}

}  // namespace

void bind_codes(py::module_& module) {
    module.def("pack", &pack_array, py::arg("z"), py::arg("words"), py::arg("threshold"));
    module.def("unpack", &unpack_array, py::arg("words"), py::arg("bits"));
}

}  // namespace splinecode

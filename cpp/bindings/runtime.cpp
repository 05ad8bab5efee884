#include <pybind11/stl.h>

#include "module.hpp"
#include "parallel.hpp"
#include "simd.hpp"

namespace splinecode {

void bind_runtime(pybind11::module_& module) {
    namespace py = pybind11;
    module.attr("__version__") = SPLINECODE_VERSION;
    module.def("threads", &threads);
    module.def("set_threads", &set_threads, py::arg("n"));
    module.def("available_simd", &available_simd);
    module.def("simd", [] { return std::string(kernels().name); });
    module.def("set_simd", &set_simd, py::arg("level"));
}

}  // namespace splinecode

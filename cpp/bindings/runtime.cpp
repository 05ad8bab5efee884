#include <pybind11/stl.h>

#include "array.hpp"
#include "cache.hpp"
#include "memory.hpp"
#include "module.hpp"
#include "parallel.hpp"
#include "probe.hpp"
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
    module.def("need_memory", &need_memory, py::arg("bytes"), py::arg("what"));
    module.def("cache_bytes", &cache_bytes, py::arg("level"));
    module.def(
        "probe_cache",
        [](std::int64_t bytes, double seconds) {
            return without_gil(
                [&](const Interrupt& interrupt) { return probe_cache(bytes, seconds, interrupt); });
        },
        py::arg("bytes"), py::arg("seconds"));
    const auto def = [&](const char* name, double (*probe)(double, const Interrupt&)) {
        module.def(
            name,
            [probe](double seconds) {
                return without_gil(
                    [&](const Interrupt& interrupt) { return probe(seconds, interrupt); });
            },
            py::arg("seconds"));
    };
    def("probe_memory", &probe_memory);
    def("probe_popcount", &probe_popcount);
    def("probe_shuffle", &probe_shuffle);
}

}  // namespace splinecode

#include "module.hpp"

#if defined(SPLINECODE_CUDA)
#include "cuda.hpp"
#endif

namespace splinecode {

namespace py = pybind11;

void bind_cuda(py::module_& module) {
#if defined(SPLINECODE_CUDA_EMULATED)
    module.attr("cuda_emulated") = true;
#else
    module.attr("cuda_emulated") = false;
#endif
#if defined(SPLINECODE_CUDA)
    module.attr("cuda_built") = true;
    py::module_ sub = module.def_submodule(
        "cuda", "The functions of _core for arrays on a CUDA device: a stream comes last.");
    sub.def("device_count", &cuda::device_count);
    sub.def("status", &cuda::status);
    bind_cuda_rows(sub);
    bind_cuda_hamming(sub);
    bind_cuda_piece_codes(sub);
    bind_cuda_sweep(sub);
    bind_cuda_sweep_rows(sub);
    bind_cuda_sweep_union(sub);
    bind_cuda_sweep_windows(sub);
#else
    module.attr("cuda_built") = false;
#endif
}

}  // namespace splinecode

#include "module.hpp"

PYBIND11_MODULE(_core, module) {
    module.doc() =
        "Compiled kernels of splinecode. Private: use the functions of the splinecode package, "
        "which allocate results and check arguments.";
    splinecode::bind_runtime(module);
    splinecode::bind_codes(module);
    splinecode::bind_hamming(module);
    splinecode::bind_segments(module);
    splinecode::bind_cuda(module);
}

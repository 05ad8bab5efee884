#include "module.hpp"

PYBIND11_MODULE(_core, module) {
    module.doc() =
        "Compiled kernels of splinecode. Private: use the functions of the splinecode package, "
        "which allocate results and check arguments.";
    splinecode::bind_runtime(module);
    splinecode::bind_codes(module);
    splinecode::bind_groups(module);
    splinecode::bind_hamming(module);
    splinecode::bind_multi_index(module);
    splinecode::bind_pairs(module);
    splinecode::bind_piece_codes(module);
    splinecode::bind_pruned(module);
    splinecode::bind_segments(module);
    splinecode::bind_units(module);
    splinecode::bind_sets(module);
    splinecode::bind_slices(module);
    splinecode::bind_spanning_tree(module);
    splinecode::bind_cuda(module);
}

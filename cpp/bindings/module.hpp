#pragma once

#include <pybind11/pybind11.h>

namespace splinecode {

void bind_runtime(pybind11::module_& module);
void bind_codes(pybind11::module_& module);
void bind_groups(pybind11::module_& module);
void bind_hamming(pybind11::module_& module);
void bind_multi_index(pybind11::module_& module);
void bind_pairs(pybind11::module_& module);
void bind_piece_codes(pybind11::module_& module);
void bind_pruned(pybind11::module_& module);
void bind_segments(pybind11::module_& module);
void bind_units(pybind11::module_& module);
void bind_sets(pybind11::module_& module);
void bind_slices(pybind11::module_& module);
void bind_spanning_tree(pybind11::module_& module);
void bind_cuda(pybind11::module_& module);
/// Into the submodule of bind_cuda, which is there only with CUDA kernels.
void bind_cuda_rows(pybind11::module_& module);
void bind_cuda_hamming(pybind11::module_& module);
void bind_cuda_piece_codes(pybind11::module_& module);
void bind_cuda_sweep(pybind11::module_& module);
void bind_cuda_sweep_rows(pybind11::module_& module);
void bind_cuda_sweep_union(pybind11::module_& module);
void bind_cuda_sweep_windows(pybind11::module_& module);

}  // namespace splinecode

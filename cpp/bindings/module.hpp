#pragma once

#include <pybind11/pybind11.h>

namespace splinecode {

void bind_runtime(pybind11::module_& module);
void bind_codes(pybind11::module_& module);
void bind_hamming(pybind11::module_& module);
void bind_segments(pybind11::module_& module);
void bind_cuda(pybind11::module_& module);

}  // namespace splinecode

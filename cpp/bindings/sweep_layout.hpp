#pragma once

#include <pybind11/pybind11.h>

#include "sweep/program.hpp"

namespace splinecode {

/// A program's cells and nodes as arrays, for engines that do not run in C++: a list of the nodes'
/// fields by name, the widths, units and exact zeros of all cells, the matrices (inputs, outputs)
/// and the lists of columns and rows that dense terms name by number.
pybind11::dict layout_of(const sweep::Program& program);

}  // namespace splinecode

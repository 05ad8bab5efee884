#pragma once

#include "strided.hpp"

/// What the sweeps of the CPU and of a GPU decide alike is written once, in headers for both: no
/// containers, no exceptions. These stand for functions of the standard library that device code
/// may not call, NaNs included.
namespace splinecode::sweep {

/// As std::min and std::max.
template <class T>
SPLINECODE_HOST_DEVICE constexpr T smaller(T a, T b) {
    return b < a ? b : a;
}
template <class T>
SPLINECODE_HOST_DEVICE constexpr T larger(T a, T b) {
    return a < b ? b : a;
}

}  // namespace splinecode::sweep

#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.hpp"

namespace splinecode {

/// Names of the instruction-set levels compiled in and offered by this processor, slowest first;
/// "scalar" is always there. Others: "avx2", "avx512" (F, BW, DQ, VL and VPOPCNTDQ), "neon".
std::vector<std::string> available_simd();

/// The kernels in use: the level named by set_simd, else by SPLINECODE_SIMD, else the widest.
/// Throws std::invalid_argument if the environment names a level that is not available.
const Kernels& kernels();

/// Chooses a level by name; "" returns to the default. Never falls back: a level that is not
/// available throws std::invalid_argument naming those that are.
void set_simd(const std::string& level);

}  // namespace splinecode

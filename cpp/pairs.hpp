#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "parallel.hpp"

namespace splinecode {

/// out[i * layers.size() + l] = distance between row i of a and row i of b within layer l; of the
/// units set in row i of *mask only, if there is a mask. Any side may be one row for all: stride 0.
/// O(rows * words); reads each side once.
///
/// Example: with b all zeros and a as it is, a mask gives the intersection counts |a & mask|.
void hamming_paired(const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                    const std::vector<WordRange>& layers, std::int32_t* out,
                    const Interrupt& interrupt);

}  // namespace splinecode

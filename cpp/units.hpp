#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "parallel.hpp"

/// Codes seen by unit instead of by input. A code's units are those of its layers in order: pad
/// bits are none. `layer_bits` are the units of each layer, whose words add up to the code's.
namespace splinecode {

/// out[u] = in how many rows unit u is active. O(rows * words); reads the rows once.
void column_counts(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                   std::int64_t* out, const Interrupt& interrupt);

/// Unit-major words: bit r % 64 of out[u * words_for(rows.rows) + r / 64] says whether unit u is
/// active in row r; bits past the last row are zero. O(rows * words); out is as large as the rows.
void transpose_bits(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                    std::uint64_t* out, const Interrupt& interrupt);

}  // namespace splinecode

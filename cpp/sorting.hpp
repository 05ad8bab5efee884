#pragma once

#include <cstdint>
#include <vector>

#include "hamming.hpp"
#include "parallel.hpp"

namespace splinecode {

/// Sorts row numbers (each of [0, codes.rows), at most once) by code: lexicographic order of the
/// words as unsigned integers, equal codes by row, so the same for any number of threads.
/// O(n log n) comparisons, of which few go beyond the first word where first words differ;
/// 44 bytes of scratch a row.
void sort_by_code(const CodeRows& codes, std::vector<std::int64_t>& rows,
                  const Interrupt& interrupt);

/// order[i] = the row that stands at place i in lexicographic order; stable.
void argsort(const CodeRows& codes, std::int64_t* order, const Interrupt& interrupt);

}  // namespace splinecode

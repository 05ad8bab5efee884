#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "parallel.hpp"

namespace splinecode {

/// Which units differ from a group's reference code: in any of its rows, or in all of them.
enum class Flipped { any, all };

/// out[g * rows.words + w] = OR (any) or AND (all) of the differences between the reference of
/// group g and its rows [offsets[g], offsets[g + 1]).
///
/// The reference is row g of *reference (of its only row: stride 0), or, where that is null, the
/// group's first row, which is then none of the rows compared. A group in which no row is compared
/// gives zeros. O(rows * words); reads the rows once.
///
/// Example: with the center and the vertices of a neighbourhood as one group, `any` marks the units
/// whose boundary cuts through the neighbourhood's vertices.
void reduce_differences(const CodeRows& rows, const std::vector<std::int64_t>& offsets,
                        const CodeRows* reference, Flipped flipped, std::uint64_t* out,
                        const Interrupt& interrupt);

}  // namespace splinecode

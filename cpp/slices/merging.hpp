#pragma once

#include "slices/mesh.hpp"

namespace splinecode::slices {

/// Joins faces of one code that lie side by side, and edges that meet where nothing else does
/// unless a face were left with two. Vertices keep their numbers; some are on no edge then.
void merge_equal(Mesh& mesh);

}  // namespace splinecode::slices

#pragma once

#include "slices/forms.hpp"

/// Cuts every edge at the zeros of functions between its ends.
namespace splinecode::slices {

/// Where an edge went: it is the first of `count` + 1 parts, the others are `first`, ...
struct EdgeParts {
    Index first;
    Index count;
};

std::vector<EdgeParts> cut_edges(Mesh& mesh, Forms& forms, const Interrupt& interrupt);

/// Puts vertices behind those of the mesh and of the forms.
void append(Mesh& mesh, Forms& forms, const Vertices& more);

}  // namespace splinecode::slices

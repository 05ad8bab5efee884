#pragma once

#include <stdexcept>

#include "slices/forms.hpp"

namespace splinecode::slices {

/// More polygons than were allowed.
struct TooManyPolygons : std::overflow_error {
    TooManyPolygons() : std::overflow_error("too many polygons") {}
};

/// Cuts all faces along the zeros of the functions of a word, and returns which of them are
/// positive somewhere in each face. Values and signs of new vertices are added to `forms`.
/// Throws TooManyPolygons, and Interrupted.
std::vector<std::uint64_t> split(Mesh& mesh, Forms& forms, std::int64_t max_polygons,
                                 const Interrupt& interrupt);

}  // namespace splinecode::slices

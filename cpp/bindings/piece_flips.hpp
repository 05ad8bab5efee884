#pragma once

#include "array.hpp"
#include "piece_codes.hpp"

namespace splinecode {

/// The arrays of a PieceFlips, borrowed for one call, on a CUDA device or on the CPU.
class FlipArrays {
public:
    FlipArrays(py::handle offsets_object, py::handle t_object, py::handle places_object,
               py::handle knot_offsets_object, py::handle knots_object, std::intptr_t stream = 1)
        : offsets(borrow(offsets_object, "offsets", stream)),
          t(borrow(t_object, "t", stream)),
          places(borrow(places_object, "places", stream)),
          knot_offsets(borrow(knot_offsets_object, "knot_offsets", stream)),
          knots(borrow(knots_object, "knots", stream)) {}

    /// Checks types and shapes, not what the offsets say.
    PieceFlips flips(std::int64_t segments) const {
        return {segments,
                contiguous_data_anywhere<std::int64_t>(offsets, ElementType::int64, {segments + 1}),
                contiguous_data_anywhere<double>(t, ElementType::float64, {crossings()}),
                contiguous_data_anywhere<std::int64_t>(places, ElementType::int64, {crossings()}),
                contiguous_data_anywhere<std::int64_t>(knot_offsets, ElementType::int64,
                                                       {segments + 1}),
                contiguous_data_anywhere<double>(knots, ElementType::float64, {n_knots()})};
    }
    std::int64_t crossings() const { return need_ndim(t, 1).shape[0]; }
    std::int64_t n_knots() const { return need_ndim(knots, 1).shape[0]; }

    Array offsets, t, places, knot_offsets, knots;
};

}  // namespace splinecode

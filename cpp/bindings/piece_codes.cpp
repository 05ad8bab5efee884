#include "piece_codes.hpp"

#include <string>

#include "array.hpp"
#include "checks.hpp"
#include "module.hpp"
#include "piece_flips.hpp"

namespace splinecode {
namespace {

/// Places of bits in codes of `words`.
void need_places(const std::int64_t* places, std::int64_t n, std::int64_t words) {
    for (std::int64_t i = 0; i < n; ++i) {
        if (places[i] < 0 || places[i] / 64 >= words) {
            throw py::value_error("places has " + std::to_string(places[i]) + " for codes of " +
                                  std::to_string(words) + " words");
        }
    }
}

void codes_of_pieces(py::handle first_object, py::handle offsets, py::handle t, py::handle places,
                     py::handle knot_offsets, py::handle knots, py::handle words_object) {
    const Array first = borrow(first_object, "first");
    const FlipArrays arrays(offsets, t, places, knot_offsets, knots);
    const Array words = borrow(words_object, "words");
    const CodeRows codes = as_code_rows(first);
    for (const Array* array : {&arrays.t, &arrays.places, &arrays.knots}) {
        need_host(*array);
    }
    checked_offsets(arrays.offsets, arrays.crossings());
    const std::vector<std::int64_t> bounds = checked_offsets(arrays.knot_offsets, arrays.n_knots());
    const PieceFlips flips = arrays.flips(codes.rows);
    for (std::size_t s = 0; s + 1 < bounds.size(); ++s) {
        if (bounds[s + 1] - bounds[s] < 2) {
            throw py::value_error("knot_offsets gives segment " + std::to_string(s) +
                                  " fewer than 2 knots");
        }
    }
    need_places(flips.place, arrays.crossings(), codes.words);
    auto* out = contiguous_data<std::uint64_t>(need_writable(words), ElementType::uint64,
                                               {arrays.n_knots() - codes.rows, codes.words});
    without_gil([&](const Interrupt& interrupt) {
        piece_codes(codes, flips, out, interrupt);
        return 0;
    });
}

void flip(py::handle rows_object, py::handle places_object, py::handle words_object) {
    const Array rows = borrow(rows_object, "rows");
    const Array places = borrow(places_object, "places");
    const Array words = borrow(words_object, "words");
    const std::int64_t n = need_ndim(rows, 1).shape[0];
    const auto* row = contiguous_data<std::int64_t>(rows, ElementType::int64, {n});
    const auto* place = contiguous_data<std::int64_t>(places, ElementType::int64, {n});
    auto* out = contiguous_data<std::uint64_t>(need_writable(need_ndim(words, 2)),
                                               ElementType::uint64, words.shape);
    need_places(place, n, words.shape[1]);
    for (std::int64_t i = 0; i < n; ++i) {
        if (row[i] < 0 || row[i] >= words.shape[0]) {
            throw py::value_error("rows has " + std::to_string(row[i]) + " for " +
                                  std::to_string(words.shape[0]) + " rows of words");
        }
    }
    flip_bits(row, place, n, words.shape[1], out);
}

}  // namespace

void bind_piece_codes(py::module_& module) {
    module.def("piece_codes", &codes_of_pieces, py::arg("first"), py::arg("offsets"), py::arg("t"),
               py::arg("places"), py::arg("knot_offsets"), py::arg("knots"), py::arg("words"));
    module.def("flip_bits", &flip, py::arg("rows"), py::arg("places"), py::arg("words"));
}

}  // namespace splinecode

#include "array.hpp"
#include "cuda.hpp"
#include "cuda_stream.hpp"
#include "module.hpp"
#include "piece_flips.hpp"

namespace splinecode {
namespace {

/// What the offsets say is the caller's word: nothing here reads them.
void codes_of_pieces(py::handle first_object, py::handle offsets, py::handle t, py::handle places,
                     py::handle knot_offsets, py::handle knots, py::handle words_object,
                     std::intptr_t stream) {
    const Array first = borrow(first_object, "first", stream);
    const FlipArrays arrays(offsets, t, places, knot_offsets, knots, stream);
    const Array words = borrow(words_object, "words", stream);
    const int device = need_same_cuda_device({&first, &arrays.offsets, &arrays.t, &arrays.places,
                                              &arrays.knot_offsets, &arrays.knots, &words});
    const CodeRows codes = as_code_rows_anywhere(first);
    const PieceFlips flips = arrays.flips(codes.rows);
    const std::int64_t pieces = arrays.n_knots() - codes.rows;
    cuda::piece_codes(codes, flips, pieces,
                      device_out<std::uint64_t>(words, ElementType::uint64, {pieces, codes.words}),
                      stream_on(device, stream));
}

void flip(py::handle rows_object, py::handle places_object, py::handle words_object,
          std::intptr_t stream) {
    const Array rows = borrow(rows_object, "rows", stream);
    const Array places = borrow(places_object, "places", stream);
    const Array words = borrow(words_object, "words", stream);
    const int device = need_same_cuda_device({&rows, &places, &words});
    const std::int64_t n = need_ndim(rows, 1).shape[0];
    cuda::flip_bits(contiguous_data_anywhere<std::int64_t>(rows, ElementType::int64, {n}),
                    contiguous_data_anywhere<std::int64_t>(places, ElementType::int64, {n}), n,
                    need_ndim(words, 2).shape[1],
                    device_out<std::uint64_t>(words, ElementType::uint64, words.shape),
                    stream_on(device, stream));
}

}  // namespace

void bind_cuda_piece_codes(py::module_& module) {
    module.def("piece_codes", &codes_of_pieces, py::arg("first"), py::arg("offsets"), py::arg("t"),
               py::arg("places"), py::arg("knot_offsets"), py::arg("knots"), py::arg("words"),
               py::arg("stream"));
    module.def("flip_bits", &flip, py::arg("rows"), py::arg("places"), py::arg("words"),
               py::arg("stream"));
}

}  // namespace splinecode

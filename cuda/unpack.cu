#include <cstdint>
#include <stdexcept>

#include "code_rows.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "runtime.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

using UnpackStrips = PackStrips<32>;

/// The lowest four bits as four bytes, each 0 or 1.
__device__ unsigned bytes_of(unsigned bits) { return (bits & 0xf) * 0x00204081u & 0x01010101u; }

__device__ void spread(unsigned bits, uint4* to) {
    *to = {bytes_of(bits), bytes_of(bits >> 4), bytes_of(bits >> 8), bytes_of(bits >> 12)};
}
__device__ void spread(unsigned bits, unsigned* to) { *to = bytes_of(bits); }
__device__ void spread(unsigned bits, std::uint8_t* to) {
    *to = static_cast<std::uint8_t>(bits & 1);
}

/// A warp per strip; neighbouring lanes write neighbouring pieces of `Piece`, whole ones: the bits
/// of a row fill pieces. Floor: 1 byte written and 1/8 byte read per bit, at the memory's
/// bandwidth. A word is read from the first cache once per piece, by lanes side by side.
template <class Piece>
__global__ void __launch_bounds__(block_threads)
    unpack_kernel(const CodeRows codes, std::int64_t n_bits, std::uint8_t* bits) {
    constexpr int piece_bits = static_cast<int>(sizeof(Piece));
    const UnpackStrips strips{codes.rows, codes.words};
    const std::int64_t count = strips.count();
    for (std::int64_t i = warp_of_grid(); i < count; i += warps_of_grid()) {
        const UnpackStrips::Strip strip = strips.at(i);
        const std::uint64_t* const words = codes.row(strip.row) + strip.first_word;
        const std::int64_t first_bit = strip.first_word * word_bits;
        const std::int64_t left = n_bits - first_bit;
        const int end = left < UnpackStrips::most_words * word_bits
                            ? static_cast<int>(left)
                            : UnpackStrips::most_words * int{word_bits};
        std::uint8_t* const to = bits + strip.row * n_bits + first_bit;
#pragma unroll 4
        for (int bit = lane_of_warp() * piece_bits; bit < end; bit += warp_lanes * piece_bits) {
            const std::uint64_t word = __ldg(words + bit / int{word_bits});
            spread(static_cast<unsigned>(word >> bit % int{word_bits}),
                   reinterpret_cast<Piece*>(to + bit));
        }
    }
}

template <class Piece>
bool fills_pieces(const std::uint8_t* bits, std::int64_t n_bits) {
    return n_bits % std::int64_t{sizeof(Piece)} == 0 &&
           reinterpret_cast<std::uintptr_t>(bits) % sizeof(Piece) == 0;
}

/// Codes of whole words without gaps are one long code, whose strips are all full but the last.
CodeRows as_long_code(const CodeRows& codes, std::int64_t n_bits) {
    const bool joined = n_bits % word_bits == 0 && codes.stride == codes.words;
    const std::int64_t words = codes.rows * codes.words;
    return joined ? CodeRows{codes.data, 1, words, words} : codes;
}

}  // namespace

void unpack(const std::uint64_t* words, std::int64_t rows, std::int64_t row_stride,
            std::int64_t n_bits, std::uint8_t* bits, Stream stream) {
    if (rows < 0 || n_bits < 0) {
        throw std::invalid_argument("unpack: the number of rows or bits is negative");
    }
    if (rows == 0 || n_bits == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const CodeRows codes = as_long_code({words, rows, words_for(n_bits), row_stride}, n_bits);
    const std::int64_t row_bits = codes.rows == rows ? n_bits : rows * n_bits;
    const auto run = [&](auto kernel) {
        const UnpackStrips strips{codes.rows, codes.words};
        launch("unpack", kernel, ceil_div(strips.count(), block_warps), stream, codes, row_bits,
               bits);
    };
    if (fills_pieces<uint4>(bits, n_bits)) {
        run(unpack_kernel<uint4>);
    } else if (fills_pieces<unsigned>(bits, n_bits)) {
        run(unpack_kernel<unsigned>);
    } else {
        run(unpack_kernel<std::uint8_t>);
    }
}

}  // namespace splinecode::cuda

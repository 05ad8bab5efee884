#include "piece_codes.hpp"

#include <algorithm>

namespace splinecode {

namespace {

constexpr double ns_per_word = 0.4;

}  // namespace

void piece_codes(const CodeRows& first, const PieceFlips& flips, std::uint64_t* words,
                 const Interrupt& interrupt) {
    const std::int64_t width = first.words;
    const auto segment = [&](std::int64_t s) {
        const std::uint64_t* before = first.row(s);
        std::uint64_t* now = words + flips.first_piece(s) * width;
        std::int64_t crossing = flips.offsets[s];
        const std::int64_t pieces = flips.first_piece(s + 1) - flips.first_piece(s);
        for (std::int64_t i = 0; i < pieces; ++i) {
            std::copy_n(before, width, now);
            const double end = flips.end_of(s, i);
            for (; crossing < flips.offsets[s + 1] && flips.t[crossing] < end; ++crossing) {
                const CodeBit flipped = CodeBit::at(flips.place[crossing]);
                now[flipped.word] ^= flipped.bit;
            }
            before = now;
            now += width;
        }
    };
    const std::int64_t pieces = flips.first_piece(flips.segments);
    parallel_for(flips.segments, ns_per_word * static_cast<double>(pieces * width), segment,
                 interrupt);
}

void flip_bits(const std::int64_t* row, const std::int64_t* place, std::int64_t n,
               std::int64_t row_words, std::uint64_t* words) {
    for (std::int64_t i = 0; i < n; ++i) {
        const CodeBit flipped = CodeBit::at(place[i]);
        words[row[i] * row_words + flipped.word] ^= flipped.bit;
    }
}

}  // namespace splinecode

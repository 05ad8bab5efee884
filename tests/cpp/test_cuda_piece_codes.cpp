// Codes along segments on the emulator, against the CPU's functions.

#include <cuda_runtime.h>

#include <algorithm>
#include <string>
#include <vector>

#include "check.hpp"
#include "cuda.hpp"
#include "cuda_tests.hpp"
#include "piece_codes.hpp"

namespace {

using namespace splinecode;

using Words = std::vector<std::uint64_t>;

/// Segments whose crossings lie at knots: several at some, none at others.
struct DrawnSegments {
    std::vector<std::int64_t> offsets{0};
    std::vector<double> t;
    std::vector<std::int64_t> place;
    std::vector<std::int64_t> knot_offsets{0};
    std::vector<double> knots;

    DrawnSegments(Random& random, std::int64_t segments, std::int64_t words) {
        for (std::int64_t s = 0; s < segments; ++s) {
            const std::int64_t pieces =
                random.one_of<std::int64_t>({1, 2, 5, 127, 128, 129, 256, random.from(1, 700)});
            for (std::int64_t i = 0; i <= pieces; ++i) {
                knots.push_back(static_cast<double>(i) / static_cast<double>(pieces));
                const std::int64_t most = i == 0 || i == pieces || words == 0 ? 0 : 3;
                for (std::int64_t n = random.from(0, most); n > 0; --n) {
                    t.push_back(knots.back());
                    place.push_back(random.from(0, 64 * words - 1));
                }
            }
            knot_offsets.push_back(static_cast<std::int64_t>(knots.size()));
            offsets.push_back(static_cast<std::int64_t>(t.size()));
        }
    }

    std::int64_t segments() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
    std::int64_t pieces() const { return knot_offsets.back() - segments(); }
    PieceFlips flips() const {
        return {segments(),   offsets.data(),      t.data(),
                place.data(), knot_offsets.data(), knots.data()};
    }
};

void check_pieces(Random& random, std::int64_t segments, std::int64_t words) {
    const FewerBlocks fewer(random);
    const DrawnSegments drawn(random, segments, words);
    const std::int64_t stride = words + random.from(0, 2);
    Words memory(index(segments * stride));
    std::generate(memory.begin(), memory.end(), [&] { return random.word(); });
    const CodeRows first{memory.data(), segments, words, stride};
    const auto size = index(drawn.pieces() * words);
    Words wanted(size), codes(size, 0xdeadbeef);
    piece_codes(first, drawn.flips(), wanted.data(), {});
    cuda::piece_codes(first, drawn.flips(), drawn.pieces(), codes.data(), {});
    check::report(codes == wanted, __FILE__, __LINE__,
                  "codes of " + std::to_string(drawn.pieces()) + " pieces of " +
                      std::to_string(segments) + " segments, " + std::to_string(words) + " words");
}

void check_flips(Random& random, std::int64_t rows, std::int64_t words, std::int64_t n) {
    const FewerBlocks fewer(random);
    std::vector<std::int64_t> row(index(n)), place(index(n));
    std::generate(row.begin(), row.end(), [&] { return random.from(0, rows - 1); });
    std::generate(place.begin(), place.end(), [&] { return random.from(0, 64 * words - 1); });
    Words wanted(index(rows * words), 5), codes = wanted;
    flip_bits(row.data(), place.data(), n, words, wanted.data());
    cuda::flip_bits(row.data(), place.data(), n, words, codes.data(), {});
    CHECK(codes == wanted);
}

}  // namespace

TEST(emulated_codes_of_pieces_agree_with_the_cpu) {
    Random random(21);
    for (int round = 0; round < rounds(40); ++round) {
        check_pieces(random, random.one_of<std::int64_t>({1, 2, 3, 9}),
                     random.one_of<std::int64_t>({0, 1, 2, 31, 32, 33, 70}));
    }
    check_pieces(random, 40, 3);
}

TEST(emulated_flips_agree_with_the_cpu) {
    Random random(22);
    for (int round = 0; round < rounds(20); ++round) {
        check_flips(random, random.from(1, 5), random.from(1, 4),
                    random.one_of<std::int64_t>({1, 255, 256, 1000}));
    }
}

TEST(emulated_piece_kernels_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    const std::int64_t none = 0;
    cuda::piece_codes({nullptr, 0, 3, 3}, {0, &none, nullptr, nullptr, &none, nullptr}, 0, nullptr,
                      {});
    cuda::flip_bits(nullptr, nullptr, 0, 3, nullptr, {});
    CHECK_EQ(emulator::runtime.launches, launches);
    const PieceFlips two{2, nullptr, nullptr, nullptr, nullptr, nullptr};
    CHECK_THROWS(cuda::piece_codes({nullptr, 1, 3, 3}, two, 2, nullptr, {}), std::invalid_argument);
    CHECK_THROWS(cuda::piece_codes({nullptr, 2, 3, 3}, two, 1, nullptr, {}), std::invalid_argument);
}

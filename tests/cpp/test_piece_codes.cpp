#include "piece_codes.hpp"

#include <vector>

#include "check.hpp"

using namespace splinecode;

namespace {

using Words = std::vector<std::uint64_t>;

}  // namespace

TEST(bits_flip_from_the_knot_of_their_crossing_on) {
    // Two segments; two crossings at one knot, a knot without any, and a bit that flips back.
    const std::vector<std::int64_t> knot_offsets{0, 5, 7};
    const std::vector<double> knots{0, 0.25, 0.5, 0.75, 1, 0, 1};
    const std::vector<std::int64_t> offsets{0, 4, 4};
    const std::vector<double> t{0.25, 0.25, 0.75, 0.75};
    const std::vector<std::int64_t> place{0, 127, 0, 64};
    const Words first{5, 2, 7, 9};
    Words words(10, 99);
    piece_codes({first.data(), 2, 2, 2},
                {2, offsets.data(), t.data(), place.data(), knot_offsets.data(), knots.data()},
                words.data(), {});
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    CHECK(words == Words({5, 2, 4, top | 2, 4, top | 2, 5, top | 3, 7, 9}));
}

TEST(no_segments_have_no_codes) {
    const std::int64_t none = 0;
    piece_codes({nullptr, 0, 2, 2}, {0, &none, nullptr, nullptr, &none, nullptr}, nullptr, {});
    const Words first{5};
    const std::vector<std::int64_t> knot_offsets{0, 2};
    const std::vector<std::int64_t> offsets{0, 0};
    const std::vector<double> knots{0, 1};
    piece_codes({first.data(), 1, 0, 1},
                {1, offsets.data(), nullptr, nullptr, knot_offsets.data(), knots.data()}, nullptr,
                {});
}

TEST(bits_of_rows_flip) {
    Words words{0, 0, 1, 0};
    const std::vector<std::int64_t> row{1, 1, 0, 1};
    const std::vector<std::int64_t> place{0, 70, 63, 70};
    flip_bits(row.data(), place.data(), 4, 2, words.data());
    CHECK(words == Words({std::uint64_t{1} << 63, 0, 0, 0}));
}

// The device-independent part of cuda/: runs on every machine, without a GPU or its toolkit.
// The selection from a matrix is played here block by block with the kernels' own helpers, against
// a sort.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../../cuda/elements.hpp"
#include "../../cuda/geometry.hpp"
#include "../../cuda/select.hpp"
#include "check.hpp"

namespace {

namespace sc = splinecode;
using namespace splinecode::cuda;

using Keys = std::vector<std::int32_t>;
using Neighbor = std::pair<std::int32_t, std::int64_t>;
using Neighbors = std::vector<Neighbor>;

std::int64_t size_of(const Keys& keys) { return static_cast<std::int64_t>(keys.size()); }

Neighbors nearest_by_sorting(const Keys& keys, std::int64_t k) {
    Neighbors all;
    for (std::int64_t i = 0; i < size_of(keys); ++i) {
        all.emplace_back(keys[static_cast<std::size_t>(i)], i);
    }
    std::sort(all.begin(), all.end());
    all.resize(static_cast<std::size_t>(k));
    return all;
}

/// find_kth of cuda/top_k_matrix.cu.
Search find_kth(const Keys& keys, std::int64_t k, int key_bits) {
    Search search{0, k};
    for (Digit digit = Digit::below(key_bits); digit.exists(); digit = digit.next()) {
        std::array<std::int64_t, Digit::most_values> histogram{};
        for (const std::int32_t signed_key : keys) {
            const auto key = static_cast<std::uint32_t>(signed_key);
            if (digit.follows(key, search.prefix)) {
                ++histogram.at(digit.of(key));
            }
        }
        Search narrowed{0, 0};
        std::int64_t before = 0;
        int owners = 0;
        for (std::uint32_t value = 0; value < histogram.size(); ++value) {
            if (holds_rank(before, histogram[value], search.rank)) {
                narrowed = digit.narrow(search, value, before);
                ++owners;
            }
            before += histogram[value];
        }
        CHECK_EQ(owners, 1);
        search = narrowed;
    }
    return search;
}

/// gather of cuda/top_k_matrix.cu.
Neighbors gather(const Keys& keys, std::int64_t k, Search kth) {
    Neighbors found(static_cast<std::size_t>(k), Neighbor{-1, -1});
    std::int64_t next_nearer = 0;
    std::int64_t next_tie = k - kth.rank;
    for (std::int64_t i = 0; i < size_of(keys); ++i) {
        const auto key = static_cast<std::uint32_t>(keys[static_cast<std::size_t>(i)]);
        if (key < kth.prefix || (key == kth.prefix && next_tie < k)) {
            const std::int64_t slot = key < kth.prefix ? next_nearer++ : next_tie++;
            found.at(static_cast<std::size_t>(slot)) = {static_cast<std::int32_t>(key), i};
        }
    }
    CHECK_EQ(next_nearer, k - kth.rank);
    CHECK_EQ(next_tie, k);
    return found;
}

/// order_neighbours of cuda/order.hpp.
void sort_results(Neighbors& found, std::int64_t n) {
    const std::int64_t span = sort_span(n);
    for (std::int64_t size = 2; size <= span; size *= 2) {
        for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
            for (std::int64_t i = 0; i < span / 2; ++i) {
                const Pair pair =
                    stride == size / 2 ? mirror_pair(i, size) : stride_pair(i, stride);
                if (pair.high >= n) {
                    continue;
                }
                Neighbor& low = found.at(static_cast<std::size_t>(pair.low));
                Neighbor& high = found.at(static_cast<std::size_t>(pair.high));
                if (comes_before(high.first, high.second, low.first, low.second)) {
                    std::swap(low, high);
                }
            }
        }
    }
}

Neighbors select(const Keys& keys, std::int64_t k, int key_bits) {
    const Search kth = find_kth(keys, k, key_bits);
    Neighbors found = gather(keys, k, kth);
    sort_results(found, k - kth.rank);
    return found;
}

}  // namespace

TEST(cuda_ceil_div) {
    CHECK_EQ(ceil_div(0, 8), 0);
    CHECK_EQ(ceil_div(1, 8), 1);
    CHECK_EQ(ceil_div(8, 8), 1);
    CHECK_EQ(ceil_div(9, 8), 2);
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK_EQ(ceil_div(most, 1), most);
    CHECK_EQ(ceil_div(most, 2), most / 2 + 1);
}

TEST(cuda_grids_are_bounded) {
    CHECK_EQ(blocks_for(1), 1u);
    CHECK_EQ(blocks_for(max_blocks), static_cast<unsigned>(max_blocks));
    CHECK_EQ(blocks_for(std::int64_t{1} << 60), static_cast<unsigned>(max_blocks));
}

TEST(cuda_strips_cover_every_word_once) {
    for (const std::int64_t row_words : {1, 2, 7, 8, 9, 15, 16, 17, 64}) {
        const PackStrips<8> strips{5, row_words};
        std::vector<int> covered(static_cast<std::size_t>(5 * row_words));
        for (std::int64_t i = 0; i < strips.count(); ++i) {
            const PackStrips<8>::Strip strip = strips.at(i);
            CHECK(strip.words >= 1 && strip.words <= strips.most_words);
            CHECK(strip.first_word + strip.words <= row_words);
            for (int w = 0; w < strip.words; ++w) {
                ++covered.at(
                    static_cast<std::size_t>(strip.row * row_words + strip.first_word + w));
            }
        }
        CHECK(std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; }));
    }
}

TEST(cuda_strips_of_huge_arrays_do_not_wrap) {
    const PackStrips<8> strips{std::int64_t{3} << 31, 17};
    CHECK_EQ(strips.count(), std::int64_t{9} << 31);
    const PackStrips<8>::Strip last = strips.at(strips.count() - 1);
    CHECK_EQ(last.row, (std::int64_t{3} << 31) - 1);
    CHECK_EQ(last.first_word, 16);
    CHECK_EQ(last.words, 1);
}

TEST(cuda_halves_compare_by_their_bits) {
    const std::uint16_t infinity = sc::infinity_bits(sc::ElementType::float16);
    const HalfAbove above_zero{splinecode::ordered_key(0), infinity};
    CHECK(above_zero.is_above(0x0001));  // the least subnormal
    CHECK(above_zero.is_above(infinity));
    CHECK(!above_zero.is_above(0x0000));
    CHECK(!above_zero.is_above(0x8000));  // -0.0
    CHECK(!above_zero.is_above(0xbc00));  // -1
    CHECK(!above_zero.is_above(0x7e00) && above_zero.is_nan(0x7e00));
    CHECK(!above_zero.is_above(0xfe00) && above_zero.is_nan(0xfe00));
    CHECK(!above_zero.is_nan(infinity) && !above_zero.is_nan(0xfc00));

    const HalfAbove above_minus_one{splinecode::ordered_key(0xbc00), infinity};
    CHECK(above_minus_one.is_above(0x8000) && above_minus_one.is_above(0x0000));
    CHECK(above_minus_one.is_above(0xbbff) && !above_minus_one.is_above(0xbc00));
    CHECK(!above_minus_one.is_above(0xbc01));
}

TEST(cuda_floats_and_booleans) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const FloatAbove<float> above{0.5f};
    CHECK(above.is_above(0.75f) && !above.is_above(0.5f) && !above.is_above(nan));
    CHECK(above.is_nan(nan) && !above.is_nan(0.0f));
    CHECK(!FloatAbove<float>{nan}.is_above(std::numeric_limits<float>::infinity()));
    CHECK(!FloatAbove<double>{-0.0}.is_above(0.0));
    CHECK(BooleanAbove{}.is_above(1) && !BooleanAbove{}.is_above(0) && !BooleanAbove{}.is_nan(1));
}

TEST(cuda_distance_bits) {
    CHECK_EQ(distance_bits(0), 1);  // 0 and the excluded 1
    CHECK_EQ(distance_bits(1), 7);  // up to 65
    CHECK_EQ(distance_bits(16), 11);
    CHECK_EQ(distance_bits((std::int64_t{1} << 25) - 1), 31);
    CHECK(excluded_distance((std::int64_t{1} << 25) - 1) > 0);
    for (std::int64_t words = 0; words < 2000; ++words) {
        const auto greatest = static_cast<std::uint32_t>(excluded_distance(words));
        CHECK_EQ(greatest >> distance_bits(words), 0u);
        CHECK_EQ(greatest >> (distance_bits(words) - 1), 1u);
    }
}

TEST(cuda_digits_rebuild_the_key) {
    std::mt19937 random(1);
    for (int bits = 1; bits <= 31; ++bits) {
        const std::uint32_t key = static_cast<std::uint32_t>(random()) & ((1u << bits) - 1);
        Search search{0, 1};
        for (Digit digit = Digit::below(bits); digit.exists(); digit = digit.next()) {
            CHECK(digit.follows(key, search.prefix));
            CHECK(!digit.follows(key, search.prefix + 1));
            CHECK(digit.of(key) < static_cast<std::uint32_t>(Digit::most_values));
            search = digit.narrow(search, digit.of(key), 0);
        }
        CHECK_EQ(search.prefix, key);
    }
}

TEST(cuda_rank_is_held_by_one_bin) {
    CHECK(!holds_rank(0, 0, 1));
    CHECK(holds_rank(0, 1, 1));
    CHECK(!holds_rank(1, 5, 1));
    CHECK(holds_rank(1, 5, 6));
    CHECK(!holds_rank(1, 5, 7));
}

TEST(cuda_sort_orders_any_length) {
    std::mt19937 random(2);
    for (std::int64_t n = 0; n <= 70; ++n) {
        Neighbors found;
        for (std::int64_t i = 0; i < n; ++i) {
            found.emplace_back(static_cast<std::int32_t>(random() % 5), i);
        }
        std::shuffle(found.begin(), found.end(), random);
        Neighbors expected = found;
        std::sort(expected.begin(), expected.end());
        sort_results(found, n);
        CHECK(found == expected);
    }
}

TEST(cuda_pairs_of_a_step_are_disjoint) {
    for (std::int64_t size = 2; size <= 64; size *= 2) {
        for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
            std::vector<int> touched(128);
            for (std::int64_t i = 0; i < 64; ++i) {
                const Pair pair =
                    stride == size / 2 ? mirror_pair(i, size) : stride_pair(i, stride);
                CHECK(pair.low < pair.high);
                ++touched.at(static_cast<std::size_t>(pair.low));
                ++touched.at(static_cast<std::size_t>(pair.high));
            }
            CHECK(std::all_of(touched.begin(), touched.end(), [](int n) { return n == 1; }));
        }
    }
}

TEST(cuda_select_agrees_with_a_sort) {
    std::mt19937 random(3);
    for (const std::int64_t words : {0, 1, 3, 16, 1024, 40000}) {
        const std::uint32_t greatest = static_cast<std::uint32_t>(words * sc::word_bits);
        for (const std::uint32_t spread : {1u, 3u, 300u, greatest + 1}) {
            for (const std::int64_t n : {1, 2, 7, 64, 257}) {
                Keys keys;
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto below = static_cast<std::uint32_t>(random()) % spread;
                    keys.push_back(static_cast<std::int32_t>(greatest - std::min(below, greatest)));
                }
                for (const std::int64_t k : {std::int64_t{1}, (n + 1) / 2, n}) {
                    CHECK(select(keys, k, distance_bits(words)) == nearest_by_sorting(keys, k));
                }
            }
        }
    }
}

TEST(cuda_select_takes_the_first_of_equal_rows) {
    const Keys keys(1000, 64);
    const Neighbors found = select(keys, 10, distance_bits(1));
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i] == Neighbor(64, static_cast<std::int64_t>(i)));
    }
}

TEST(cuda_excluded_row_is_never_selected) {
    for (const std::int64_t words : {0, 1, 16}) {
        const std::int32_t farthest = static_cast<std::int32_t>(words * sc::word_bits);
        for (const std::size_t self : {0u, 3u, 8u}) {
            Keys keys(9, farthest);  // even when all others are as far as can be
            keys[self] = excluded_distance(words);
            for (const Neighbor& neighbor : select(keys, 8, distance_bits(words))) {
                CHECK_EQ(neighbor.first, farthest);
                CHECK(neighbor.second != static_cast<std::int64_t>(self));
            }
        }
    }
}

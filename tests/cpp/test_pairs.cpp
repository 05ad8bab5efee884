#include "pairs.hpp"

#include <bit>

#include "check.hpp"
#include "levels.hpp"

using namespace splinecode;

namespace {

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t width) {
    return {words.data(), static_cast<std::int64_t>(words.size()) / width, width, width};
}

/// One row for all.
CodeRows repeated(const std::vector<std::uint64_t>& row, std::int64_t rows) {
    return {row.data(), rows, static_cast<std::int64_t>(row.size()), 0};
}

std::int32_t distance(const CodeRows& a, const CodeRows& b, const CodeRows* mask, std::int64_t i,
                      WordRange range) {
    std::int32_t sum = 0;
    for (std::int64_t w = range.begin; w < range.end; ++w) {
        const std::uint64_t chosen = mask ? mask->row(i)[w] : ~std::uint64_t{0};
        sum += std::popcount((a.row(i)[w] ^ b.row(i)[w]) & chosen);
    }
    return sum;
}

void check_pairs(const CodeRows& a, const CodeRows& b, const CodeRows* mask) {
    const std::vector<WordRange> layers{{0, a.words}, {0, a.words / 2}, {a.words / 2, a.words}};
    std::vector<std::int32_t> out(static_cast<std::size_t>(a.rows) * layers.size(), -1);
    hamming_paired(a, b, mask, layers, out.data(), {});
    for (std::int64_t i = 0; i < a.rows; ++i) {
        for (std::size_t l = 0; l < layers.size(); ++l) {
            CHECK_EQ(out[static_cast<std::size_t>(i) * layers.size() + l],
                     distance(a, b, mask, i, layers[l]));
        }
    }
}

}  // namespace

TEST(pairs_count_bits_at_every_width_with_and_without_a_mask) {
    at_every_level([] {
        for (std::int64_t words = 1; words < 40; ++words) {
            const auto x = random_words(static_cast<std::size_t>(5 * words), 1);
            const auto y = random_words(static_cast<std::size_t>(5 * words), 2);
            const auto z = random_words(static_cast<std::size_t>(5 * words), 3);
            const auto row = random_words(static_cast<std::size_t>(words), 4);
            const CodeRows a = view(x, words);
            const CodeRows b = view(y, words);
            const CodeRows masks = view(z, words);
            const CodeRows one = repeated(row, 5);
            check_pairs(a, b, nullptr);
            check_pairs(a, b, &masks);
            check_pairs(a, b, &one);
            check_pairs(a, one, &masks);
            check_pairs(one, one, &one);
        }
    });
}

TEST(masked_pairs_do_not_overflow_byte_counts) {
    at_every_level([] {
        for (const std::int64_t words : {127, 128, 129, 1000, 8193}) {
            const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(words), 0);
            const std::vector<std::uint64_t> ones(static_cast<std::size_t>(words),
                                                  ~std::uint64_t{0});
            const CodeRows a = view(zeros, words);
            const CodeRows b = view(ones, words);
            std::int32_t out = -1;
            hamming_paired(a, b, &b, {{0, words}}, &out, {});
            CHECK_EQ(out, 64 * words);
            hamming_paired(a, b, &a, {{0, words}}, &out, {});
            CHECK_EQ(out, 0);
        }
    });
}

TEST(pairs_do_not_depend_on_threads) {
    const auto x = random_words(9000 * 40, 5);
    const auto y = random_words(9000 * 40, 6);
    std::vector<std::vector<std::int32_t>> results;
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        std::vector<std::int32_t> out(9000);
        const CodeRows a = view(x, 40);
        hamming_paired(a, view(y, 40), &a, {{0, 40}}, out.data(), {});
        results.push_back(out);
    }
    set_threads(0);
    CHECK(results[0] == results[1] && results[1] == results[2]);
}

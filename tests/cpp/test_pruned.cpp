#include <algorithm>

#include "check.hpp"
#include "hamming.hpp"
#include "levels.hpp"
#include "pruned_index.hpp"

using namespace splinecode;

namespace {

/// Codes in clusters of their own, with constant, duplicated and rare bits: what nets give.
std::vector<std::uint64_t> structured(std::int64_t rows, std::int64_t words, std::uint64_t seed) {
    const auto middle = random_words(static_cast<std::size_t>(9 * words), 77);
    const auto noise = random_words(static_cast<std::size_t>(4 * rows * words), seed);
    std::vector<std::uint64_t> out;
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t w = 0; w < words; ++w) {
            const auto at = static_cast<std::size_t>(4 * (row * words + w));
            const std::uint64_t rare = noise[at] & noise[at + 1] & noise[at + 2] & noise[at + 3];
            std::uint64_t word = middle[static_cast<std::size_t>(row % 9 * words + w)] ^ rare;
            word = w % 3 == 2 ? out.back() : word;
            out.push_back((word & 0x00ffffffffffff0fu) | 0x8000000000000000u);
        }
    }
    return out;
}

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t width) {
    return {words.data(), static_cast<std::int64_t>(words.size()) / width, width, width};
}

void check_top_k(const PrunedIndex& index, const CodeRows* queries, const CodeRows& database,
                 std::int64_t k, bool exclude_self) {
    const CodeRows& asked = queries ? *queries : database;
    const auto n = static_cast<std::size_t>(asked.rows * k);
    std::vector<std::int32_t> distances(n), wanted_distances(n);
    std::vector<std::int64_t> indices(n), wanted_indices(n);
    const SearchStats stats =
        index.top_k(queries, k, exclude_self, distances.data(), indices.data(), {});
    top_k(asked, database, k, exclude_self, wanted_distances.data(), wanted_indices.data(), {});
    CHECK(distances == wanted_distances);
    CHECK(indices == wanted_indices);
    CHECK(stats.distances + stats.bounded_pairs <= stats.pairs);
}

void check_radius(const PrunedIndex& index, const CodeRows* queries, const CodeRows& database,
                  std::int32_t radius, bool exclude_self) {
    const CodeRows& asked = queries ? *queries : database;
    const NeighborLists wanted = within_radius(asked, database, radius, exclude_self, {});
    NeighborLists lists;
    index.within_radius(queries, radius, exclude_self, lists, {});
    CHECK(lists.offsets == wanted.offsets);
    CHECK(lists.distances == wanted.distances);
    CHECK(lists.indices == wanted.indices);
    std::vector<std::int64_t> counts(static_cast<std::size_t>(asked.rows), -1);
    index.count_within(queries, radius, exclude_self, counts.data(), {});
    for (std::size_t q = 0; q < counts.size(); ++q) {
        CHECK_EQ(counts[q], wanted.offsets[q + 1] - wanted.offsets[q]);
    }
}

}  // namespace

TEST(pruned_search_equals_brute_force) {
    at_every_level([] {
        for (const std::int64_t words : {1, 4, 19}) {
            for (const std::int64_t rows : {1, 3, 600, 1300}) {
                const auto y = structured(rows, words, 1);
                auto x = structured(70, words, 2);
                x[3] ^= 0xff00000000000000u;  // differs where the database is constant
                const CodeRows database = view(y, words);
                const CodeRows queries = view(x, words);
                const PrunedIndex index(database, {});
                for (const std::int64_t k : {std::int64_t{1}, std::int64_t{10}, rows}) {
                    check_top_k(index, &queries, database, std::min({k, rows, std::int64_t{80}}),
                                false);
                    check_top_k(index, nullptr, database, std::min({k, rows - 1, std::int64_t{80}}),
                                true);
                }
                for (const std::int32_t radius : {0, 4, 60}) {
                    check_radius(index, &queries, database, radius, false);
                    check_radius(index, nullptr, database, radius, true);
                }
            }
        }
    });
}

TEST(pruned_search_of_equal_codes_and_of_noise) {
    const std::vector<std::uint64_t> equal(900 * 3, 5);
    const PrunedIndex of_equal(view(equal, 3), {});
    check_top_k(of_equal, nullptr, view(equal, 3), 7, true);
    check_radius(of_equal, nullptr, view(equal, 3), 0, true);
    const auto noise = random_words(2000 * 6, 3);
    const PrunedIndex of_noise(view(noise, 6), {});
    check_top_k(of_noise, nullptr, view(noise, 6), 10, true);
    const CodeRows database = view(noise, 6);
    CHECK(sampled_share(database, database, 10, {}) > 0.8);
    const auto clustered = structured(4000, 20, 4);
    CHECK(sampled_share(view(clustered, 20), view(clustered, 20), 10, {}) < 0.7);
}

TEST(pruned_search_does_not_depend_on_threads) {
    const auto words = structured(3000, 6, 5);
    const CodeRows database = view(words, 6);
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        const PrunedIndex index(database, {});
        check_top_k(index, nullptr, database, 9, true);
    }
    set_threads(0);
}

TEST(pruned_search_refuses_too_many_varying_bits) {
    const auto noise = random_words(40 * 1100, 7);
    CHECK_THROWS(PrunedIndex(view(noise, 1100), {}), std::length_error);
    const std::vector<std::uint64_t> equal(4 * 1100, 1);
    const PrunedIndex few_vary(view(equal, 1100), {});
    CHECK_EQ(few_vary.rows(), 4);
}

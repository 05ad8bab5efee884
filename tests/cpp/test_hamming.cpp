#include "hamming.hpp"

#include <algorithm>
#include <bit>

#include "check.hpp"
#include "levels.hpp"
#include "pairs.hpp"

using namespace splinecode;

namespace {

struct Neighbor {
    std::int32_t distance;
    std::int64_t index;
    auto operator<=>(const Neighbor&) const = default;
};

/// Codes of which many repeat, so that distances tie.
std::vector<std::uint64_t> tied_words(std::int64_t rows, std::int64_t words, std::uint64_t seed) {
    std::vector<std::uint64_t> out = random_words(static_cast<std::size_t>(rows * words), seed);
    for (std::uint64_t& word : out) {
        word &= 0x3;
    }
    return out;
}

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t width) {
    const auto size = static_cast<std::int64_t>(words.size());
    return {words.data(), width ? size / width : 0, width, width};
}

std::int32_t distance(const CodeRows& a, std::int64_t i, const CodeRows& b, std::int64_t j) {
    std::int32_t sum = 0;
    for (std::int64_t w = 0; w < a.words; ++w) {
        sum += std::popcount(a.row(i)[w] ^ b.row(j)[w]);
    }
    return sum;
}

std::vector<Neighbor> sorted_neighbors(const CodeRows& queries, std::int64_t query,
                                       const CodeRows& database, bool exclude_self) {
    std::vector<Neighbor> all;
    for (std::int64_t j = 0; j < database.rows; ++j) {
        if (!exclude_self || j != query) {
            all.push_back({distance(queries, query, database, j), j});
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

TEST(matrix_and_paired_count_bits_at_every_width) {
    at_every_level([] {
        for (std::int64_t words = 1; words < 40; ++words) {
            const auto x = random_words(static_cast<std::size_t>(6 * words), 10);
            const auto y = random_words(static_cast<std::size_t>(6 * words), 11);
            const CodeRows a = view(x, words);
            const CodeRows b = view(y, words);
            std::vector<std::int32_t> out(36, -1);
            hamming_matrix(a, b, out.data(), {});
            std::vector<std::int32_t> pairs(6 * 2, -1);
            hamming_paired(a, b, nullptr, {{0, words / 2}, {words / 2, words}}, pairs.data(), {});
            for (std::int64_t i = 0; i < 6; ++i) {
                for (std::int64_t j = 0; j < 6; ++j) {
                    CHECK_EQ(out[static_cast<std::size_t>(6 * i + j)], distance(a, i, b, j));
                }
                const auto at = static_cast<std::size_t>(2 * i);
                CHECK_EQ(pairs[at] + pairs[at + 1], distance(a, i, b, i));
            }
        }
    });
}

TEST(wide_codes_do_not_overflow_byte_counts) {
    at_every_level([] {
        for (const std::int64_t words : {127, 128, 129, 1000, 8193}) {
            const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(words), 0);
            const std::vector<std::uint64_t> ones(static_cast<std::size_t>(5 * words),
                                                  ~std::uint64_t{0});
            std::vector<std::int32_t> out(5);
            hamming_matrix(view(zeros, words), view(ones, words), out.data(), {});
            for (const std::int32_t d : out) {
                CHECK_EQ(d, 64 * words);
            }
        }
    });
}

TEST(top_k_orders_by_distance_then_index) {
    at_every_level([] {
        for (const std::int64_t rows : {1, 2, 5, 17, 1200}) {
            const std::int64_t words = 3;
            const auto y = tied_words(rows, words, 20);
            const CodeRows database = view(y, words);
            for (const bool exclude_self : {false, true}) {
                const auto x = exclude_self ? y : tied_words(40, words, 21);
                const CodeRows queries = view(x, words);
                for (const std::int64_t k : {std::int64_t{1}, std::int64_t{7}, rows}) {
                    const std::int64_t most = std::min(k, rows - (exclude_self ? 1 : 0));
                    std::vector<std::int32_t> distances(
                        static_cast<std::size_t>(queries.rows * most));
                    std::vector<std::int64_t> indices(distances.size());
                    top_k(queries, database, most, exclude_self, distances.data(), indices.data(),
                          {});
                    for (std::int64_t q = 0; q < queries.rows; q += 1 + queries.rows / 50) {
                        const auto wanted = sorted_neighbors(queries, q, database, exclude_self);
                        for (std::int64_t i = 0; i < most; ++i) {
                            const auto at = static_cast<std::size_t>(q * most + i);
                            CHECK((Neighbor{distances[at], indices[at]} ==
                                   wanted[static_cast<std::size_t>(i)]));
                        }
                    }
                }
            }
        }
    });
}

TEST(radius_lists_are_complete_and_ordered) {
    at_every_level([] {
        const auto words = tied_words(300, 2, 30);
        const CodeRows codes = view(words, 2);
        for (const bool exclude_self : {false, true}) {
            for (const std::int32_t radius : {0, 1, 2, 200}) {
                const NeighborLists lists = within_radius(codes, codes, radius, exclude_self, {});
                for (std::int64_t q = 0; q < codes.rows; ++q) {
                    auto wanted = sorted_neighbors(codes, q, codes, exclude_self);
                    std::erase_if(wanted, [&](const Neighbor& n) { return n.distance > radius; });
                    const auto begin = lists.offsets[static_cast<std::size_t>(q)];
                    CHECK_EQ(lists.offsets[static_cast<std::size_t>(q) + 1] - begin,
                             static_cast<std::int64_t>(wanted.size()));
                    for (std::size_t i = 0; i < wanted.size(); ++i) {
                        const auto at = static_cast<std::size_t>(begin) + i;
                        CHECK((Neighbor{lists.distances[at], lists.indices[at]} == wanted[i]));
                    }
                }
            }
        }
    });
}

TEST(answers_do_not_depend_on_threads) {
    const auto words = tied_words(3000, 5, 40);
    const CodeRows codes = view(words, 5);
    std::vector<std::vector<std::int64_t>> results;
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        std::vector<std::int32_t> distances(3000 * 9);
        std::vector<std::int64_t> indices(3000 * 9);
        top_k(codes, codes, 9, true, distances.data(), indices.data(), {});
        results.push_back(indices);
    }
    set_threads(0);
    CHECK(results[0] == results[1] && results[1] == results[2]);
}

TEST(empty_sides_are_fine) {
    const auto words = random_words(6, 50);
    const CodeRows none{words.data(), 0, 2, 2};
    const CodeRows some = view(words, 2);
    hamming_matrix<std::int32_t>(none, some, nullptr, {});
    hamming_matrix<std::int32_t>(some, none, nullptr, {});
    hamming_paired(none, none, nullptr, {{0, 2}}, nullptr, {});
    CHECK_EQ(within_radius(none, some, 5, false, {}).offsets.size(), 1u);
    CHECK_EQ(within_radius(some, none, 5, false, {}).indices.size(), 0u);
    const CodeRows widthless{nullptr, 3, 0, 0};
    std::vector<std::int32_t> out(9, -1);
    hamming_matrix(widthless, widthless, out.data(), {});
    CHECK(out == std::vector<std::int32_t>(9, 0));
}

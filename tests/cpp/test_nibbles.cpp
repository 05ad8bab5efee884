#include <algorithm>
#include <bit>

#include "check.hpp"
#include "hamming.hpp"
#include "levels.hpp"
#include "nibbles.hpp"
#include "route.hpp"

using namespace splinecode;

namespace {

std::int32_t distance(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    std::int32_t sum = 0;
    for (std::int64_t w = 0; w < words; ++w) {
        sum += std::popcount(a[w] ^ b[w]);
    }
    return sum;
}

/// Every distance of the queries to rows [begin, end), seen once each and in order.
void check_tiles(const CodeRows& queries, const CodeRows& rows, std::int64_t begin) {
    std::vector<std::int64_t> seen(static_cast<std::size_t>(queries.rows), begin);
    bool equal = true;
    const FewQueries few(queries, 0, queries.rows);
    few.for_each_tile(
        rows, begin, rows.rows,
        [&](std::int64_t query, std::int64_t first, const auto* distances, std::int64_t n) {
            std::int64_t& next = seen[static_cast<std::size_t>(query)];
            equal &= first == next;
            next += n;
            for (std::int64_t i = 0; i < n; ++i) {
                equal &=
                    distances[i] == distance(queries.row(query), rows.row(first + i), rows.words);
            }
        });
    CHECK(equal);
    CHECK_EQ(std::count(seen.begin(), seen.end(), rows.rows), queries.rows);
}

}  // namespace

TEST(nibbles_count_bits_for_every_number_of_queries) {
    at_every_level([] {
        const auto x = random_words(70 * 8, 1);
        const auto y = random_words(70 * 8, 2);
        for (std::int64_t queries = 1; queries <= 70; ++queries) {
            for (const std::int64_t words : {1, 3, 7}) {
                check_tiles({x.data(), queries, words, 8}, {y.data(), 70, words, 8}, queries % 3);
            }
        }
    });
}

TEST(nibbles_count_bits_of_every_width_and_number_of_rows) {
    at_every_level([] {
        // Widths around a vector at every level and around the words turned together.
        const auto x = random_words(3 * 80, 3);
        for (std::int64_t words = 0; words < 80; ++words) {
            const auto y = random_words(static_cast<std::size_t>(130 * words), 4);
            check_tiles({x.data(), 3, words, 80}, {y.data(), 130, words, words}, 0);
        }
        // Rows around a vector, a group, the groups turned together and a tile.
        const auto y = random_words(1100 * 5, 5);
        for (const std::int64_t rows :
             {0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1100}) {
            check_tiles({x.data(), 5, 5, 9}, {y.data(), rows, 5, 5},
                        std::min<std::int64_t>(rows, 2));
        }
    });
}

TEST(nibbles_of_opposite_codes_reach_the_widest_counts) {
    at_every_level([] {
        // A byte's, 16 bits' and 32 bits' counts: 65,472 bits, and wider.
        for (const std::int64_t words : {4, 5, 8, 16, 17, 64, 1023, 1024, 1030, 2500}) {
            const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(3 * words), 0);
            const std::vector<std::uint64_t> ones(static_cast<std::size_t>(66 * words),
                                                  ~std::uint64_t{0});
            check_tiles({zeros.data(), 3, words, words}, {ones.data(), 66, words, words}, 0);
            check_tiles({ones.data(), 2, words, words}, {zeros.data(), 3, words, words}, 0);
        }
    });
}

TEST(one_query_reads_wide_rows_in_order) {
    at_every_level([] {
        // Around the width from which it does, and around the steps between two widenings.
        for (const std::int64_t words : {47, 48, 49, 51, 60, 64, 247, 248, 249, 257, 500, 2100}) {
            const auto x = random_words(static_cast<std::size_t>(6 * words), 7);
            const CodeRows query{x.data(), 1, words, words};
            const CodeRows rows{x.data() + words, 5, words, words};
            std::vector<std::int32_t> out(5);
            hamming_matrix(rows, query, out.data(), {});
            for (std::int64_t i = 0; i < 5; ++i) {
                CHECK_EQ(out[static_cast<std::size_t>(i)],
                         distance(query.row(0), rows.row(i), words));
            }
            const std::vector<std::uint64_t> ones(static_cast<std::size_t>(words),
                                                  ~std::uint64_t{0});
            const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(words), 0);
            hamming_matrix({ones.data(), 1, words, words}, {zeros.data(), 1, words, words},
                           out.data(), {});
            CHECK_EQ(out[0], 64 * words);
        }
    });
}

TEST(every_route_finds_the_same) {
    at_every_level([] {
        auto words = random_words(700 * 6, 6);
        for (std::uint64_t& word : words) {
            word &= 0xf0f;  // ties
        }
        for (const std::int64_t queries : {1, 2, 3, 5, 9, 27, 28, 47, 63, 64, 70, 128}) {
            for (const std::int64_t width : {1, 4, 6}) {
                const CodeRows database{words.data(), 700, width, 6};
                const CodeRows some{words.data(), queries, width, 6};
                const auto n = static_cast<std::size_t>(queries);
                std::vector<std::uint16_t> matrix(n * 700);
                hamming_matrix(some, database, matrix.data(), {});
                std::vector<std::int32_t> distances(n * 9);
                std::vector<std::int64_t> indices(n * 9);
                top_k(some, database, 9, false, distances.data(), indices.data(), {});
                const auto radius = static_cast<std::int32_t>(2 * width);
                std::vector<std::int64_t> counts(n);
                count_within(some, database, radius, false, counts.data(), {});
                const NeighborLists lists = within_radius(some, database, radius, false, {});
                bool equal = true;
                for (std::size_t q = 0; q < n; ++q) {
                    std::vector<NeighborKey> keys;
                    for (std::int64_t i = 0; i < 700; ++i) {
                        const std::int32_t d = distance(some.row(static_cast<std::int64_t>(q)),
                                                        database.row(i), width);
                        equal &= matrix[q * 700 + static_cast<std::size_t>(i)] == d;
                        keys.push_back(make_key(d, i));
                    }
                    std::sort(keys.begin(), keys.end());
                    for (std::size_t j = 0; j < 9; ++j) {
                        equal &= distances[q * 9 + j] == distance_of(keys[j]) &&
                                 indices[q * 9 + j] == index_of(keys[j]);
                    }
                    const auto near = std::count_if(keys.begin(), keys.end(), [&](NeighborKey key) {
                        return distance_of(key) <= radius;
                    });
                    equal &= counts[q] == near && lists.offsets[q + 1] - lists.offsets[q] == near;
                    for (std::int64_t j = 0; equal && j < near; ++j) {
                        const auto at = static_cast<std::size_t>(lists.offsets[q] + j);
                        const NeighborKey key = keys[static_cast<std::size_t>(j)];
                        equal &= lists.indices[at] == index_of(key) &&
                                 lists.distances[at] == distance_of(key);
                    }
                }
                CHECK(equal);
            }
        }
    });
}

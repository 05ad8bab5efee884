#include <algorithm>
#include <bit>

#include "check.hpp"
#include "hamming.hpp"
#include "levels.hpp"
#include "nearest.hpp"

using namespace splinecode;

namespace {

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t width, std::int64_t stride) {
    return {words.data(), static_cast<std::int64_t>(words.size()) / stride, width, stride};
}

std::int32_t distance(const CodeRows& a, std::int64_t i, const CodeRows& b, std::int64_t j) {
    std::int32_t sum = 0;
    for (std::int64_t w = 0; w < a.words; ++w) {
        sum += std::popcount(a.row(i)[w] ^ b.row(j)[w]);
    }
    return sum;
}

template <class Out>
void check_matrix(const CodeRows& x, const CodeRows& y) {
    std::vector<Out> out(static_cast<std::size_t>(x.rows * y.rows), Out(-1));
    hamming_matrix(x, y, out.data(), {});
    bool equal = true;
    for (std::int64_t i = 0; i < x.rows; ++i) {
        for (std::int64_t j = 0; j < y.rows; ++j) {
            equal &= out[static_cast<std::size_t>(i * y.rows + j)] == distance(x, i, y, j);
        }
    }
    CHECK(equal);
}

}  // namespace

TEST(tables_of_every_shape_count_bits) {
    at_every_level([] {
        // Queries around one vector, two vectors and a block at every level; rows around a tile.
        for (const std::int64_t words : {1, 2, 4, 7, 15, 16, 31}) {
            const auto x = random_words(static_cast<std::size_t>(70 * (words + 1)), 1);
            const auto y = random_words(static_cast<std::size_t>(300 * (words + 1)), 2);
            for (const std::int64_t queries :
                 {27, 28, 32, 33, 63, 64, 65, 127, 128, 129, 200, 300}) {
                CodeRows columns = view(y, words, words + 1);
                columns.rows = queries;
                check_matrix<std::int32_t>(view(x, words, words + 1), columns);
            }
        }
    });
}

TEST(more_rows_than_a_tile) {
    at_every_level([] {
        const auto x = random_words(3 * 1500, 3);
        const auto y = random_words(3 * 130, 4);
        check_matrix<std::uint16_t>(view(x, 3, 3), view(y, 3, 3));
    });
}

TEST(opposite_codes_reach_the_widest_counts) {
    at_every_level([] {
        // 60, 255, 256 and 65,472 bits: the ends of a chunk, of a byte and of 16 bits, and beyond.
        for (const std::int64_t words : {1, 4, 5, 1023, 1024, 1030, 2500}) {
            const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(30 * words), 0);
            const std::vector<std::uint64_t> ones(static_cast<std::size_t>(3 * words),
                                                  ~std::uint64_t{0});
            check_matrix<std::int32_t>(view(ones, words, words), view(zeros, words, words));
            const CodeRows queries = view(zeros, words, words);
            const CodeRows rows = view(ones, words, words);
            std::vector<std::int32_t> distances(30);
            std::vector<std::int64_t> indices(30);
            top_k(queries, rows, 1, false, distances.data(), indices.data(), {});
            CHECK_EQ(std::count(distances.begin(), distances.end(), 64 * words), 30);
            CHECK_EQ(std::count(indices.begin(), indices.end(), 0), 30);
            std::vector<std::int64_t> counts(30);
            const auto all = static_cast<std::int32_t>(64 * words);
            count_within(queries, rows, all - 1, false, counts.data(), {});
            CHECK_EQ(std::count(counts.begin(), counts.end(), 0), 30);
            count_within(queries, rows, all, false, counts.data(), {});
            CHECK_EQ(std::count(counts.begin(), counts.end(), 3), 30);
        }
    });
}

TEST(symmetric_and_condensed_matrices_equal_the_full_one) {
    at_every_level([] {
        for (const std::int64_t rows : {0, 1, 2, 5, 128, 131, 700}) {
            const auto words = random_words(static_cast<std::size_t>(rows * 5), 5);
            const CodeRows x{words.data(), rows, 5, 5};
            const auto n = static_cast<std::size_t>(rows);
            std::vector<std::int32_t> full(n * n);
            hamming_matrix(x, x, full.data(), {});
            std::vector<std::int32_t> symmetric(n * n, -1);
            hamming_matrix_symmetric(x, symmetric.data(), {});
            CHECK(full == symmetric);
            std::vector<std::uint16_t> narrow(n * n, 7);
            hamming_matrix_symmetric(x, narrow.data(), {});
            CHECK(std::equal(full.begin(), full.end(), narrow.begin()));
            std::vector<std::int32_t> pairs(n < 2 ? 0 : n * (n - 1) / 2, -1);
            hamming_condensed(x, pairs.data(), {});
            std::size_t at = 0;
            bool equal = true;
            for (std::size_t i = 0; i < n; ++i) {
                for (std::size_t j = i + 1; j < n; ++j) {
                    equal &= pairs[at++] == full[i * n + j];
                }
            }
            CHECK(equal);
        }
        const auto wide = random_words(3 * 1100, 6);
        std::vector<std::int32_t> full(9);
        std::vector<std::int32_t> symmetric(9);
        hamming_matrix(view(wide, 1100, 1100), view(wide, 1100, 1100), full.data(), {});
        hamming_matrix_symmetric(view(wide, 1100, 1100), symmetric.data(), {});
        CHECK(full == symmetric);
    });
}

TEST(radius_counts_are_the_lengths_of_the_lists) {
    at_every_level([] {
        auto words = random_words(2 * 900, 7);
        for (std::uint64_t& word : words) {
            word &= 0xf0f;
        }
        const CodeRows database = view(words, 2, 2);
        for (const std::int64_t queries : {3, 40, 200, 900}) {
            CodeRows some = database;
            some.rows = queries;
            for (const bool exclude_self : {false, true}) {
                for (const std::int32_t radius : {0, 3, 7, 128}) {
                    std::vector<std::int64_t> counts(static_cast<std::size_t>(queries));
                    count_within(some, database, radius, exclude_self, counts.data(), {});
                    const NeighborLists lists =
                        within_radius(some, database, radius, exclude_self, {});
                    for (std::size_t q = 0; q < counts.size(); ++q) {
                        CHECK_EQ(counts[q], lists.offsets[q + 1] - lists.offsets[q]);
                    }
                }
            }
        }
    });
}

TEST(nearest_keeps_an_exact_limit) {
    const auto random = random_words(4000, 8);
    // Distances over ranges narrower and wider than the counted window, rising, falling, mixed.
    for (const std::int32_t range : {1, 3, 60, 64, 65, 1000, 100'000}) {
        for (const int trend : {-1, 0, 1}) {
            for (const std::size_t k : {1u, 2u, 10u, 64u, 300u}) {
                Nearest nearest(k);
                std::vector<NeighborKey> all;
                for (std::size_t i = 0; i < 1300; ++i) {
                    const auto noise =
                        static_cast<std::int32_t>(random[i] % static_cast<std::uint64_t>(range));
                    const auto step = static_cast<std::int32_t>(i) * trend * range / 100;
                    const NeighborKey key = make_key((trend < 0 ? 13 * range : 0) + step + noise,
                                                     static_cast<std::int64_t>(i));
                    if (distance_of(key) < nearest.limit()) {
                        nearest.add(key);
                    }
                    all.push_back(key);
                    if (all.size() >= k && i % 37 == 0) {
                        auto sorted = all;
                        std::sort(sorted.begin(), sorted.end());
                        CHECK_EQ(nearest.limit(), distance_of(sorted[k - 1]));
                    }
                }
                auto kept = nearest.keys();
                std::sort(kept.begin(), kept.end());
                std::sort(all.begin(), all.end());
                CHECK(kept.size() >= k &&
                      std::equal(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k),
                                 kept.begin()));
                CHECK(kept.size() < 3 * k + 128);
            }
        }
    }
}

#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "hamming.hpp"
#include "levels.hpp"
#include "multi_index.hpp"

using namespace splinecode;

namespace {

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t width) {
    return {words.data(), static_cast<std::int64_t>(words.size()) / width, width, width};
}

/// Seven noisy codes, repeated with up to `most` bits of the row's number's choice flipped, and
/// constant bits in every word.
std::vector<std::uint64_t> near_duplicates(std::int64_t rows, std::int64_t words,
                                           std::uint64_t most, std::uint64_t seed) {
    const auto middle = random_words(static_cast<std::size_t>(7 * words), 11);
    const auto noise = random_words(static_cast<std::size_t>(rows) * (most + 1), seed);
    std::vector<std::uint64_t> out;
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto from = middle.begin() + row % 7 * words;
        out.insert(out.end(), from, from + words);
        const std::uint64_t* const random =
            noise.data() + static_cast<std::size_t>(row) * (most + 1);
        for (std::uint64_t i = 0; i < random[most] % (most + 1); ++i) {
            const std::uint64_t bit = random[i] % static_cast<std::uint64_t>(64 * words);
            (out.end() - words)[static_cast<std::ptrdiff_t>(bit / 64)] ^= std::uint64_t{1}
                                                                          << bit % 64;
        }
        for (auto word = out.end() - words; word != out.end(); ++word) {
            *word = (*word & 0x00ffffffffffff0fu) | 0x8000000000000000u;
        }
    }
    return out;
}

void check_radius(const MultiIndex& index, const CodeRows* queries, const CodeRows& database,
                  std::int32_t radius, bool exclude_self) {
    const CodeRows& asked = queries ? *queries : database;
    const NeighborLists wanted = within_radius(asked, database, radius, exclude_self, {});
    NeighborLists lists;
    const SearchStats stats = index.within_radius(queries, radius, exclude_self, lists, {});
    CHECK(lists.offsets == wanted.offsets);
    CHECK(lists.distances == wanted.distances);
    CHECK(lists.indices == wanted.indices);
    CHECK_EQ(stats.pairs, asked.rows * database.rows);
    CHECK_EQ(stats.distances + stats.bounded_pairs, stats.pairs);
    CHECK(stats.distances >= static_cast<std::int64_t>(wanted.indices.size()));
    CHECK(stats.distances <= stats.pairs);  // no candidate twice
    std::vector<std::int64_t> counts(static_cast<std::size_t>(asked.rows), -1);
    index.count_within(queries, radius, exclude_self, counts.data(), {});
    for (std::size_t q = 0; q < counts.size(); ++q) {
        CHECK_EQ(counts[q], wanted.offsets[q + 1] - wanted.offsets[q]);
    }
}

}  // namespace

TEST(key_table_finds_the_rows_of_a_key) {
    constexpr KeyTable::Key last = 0xffffffffu;
    for (const std::int64_t stride : {1, 3}) {
        for (const std::int64_t rows : {0, 1, 2, 40, 5000}) {
            // Keys of every number of rows, several to a slot, and the least and the last of all.
            std::vector<KeyTable::Key> keys(static_cast<std::size_t>(rows * stride), 77);
            for (std::int64_t row = 0; row < rows; ++row) {
                const auto key = static_cast<KeyTable::Key>(row * row % 37);
                keys[static_cast<std::size_t>(row * stride)] = row % 3 == 0   ? key
                                                               : row % 3 == 1 ? last - key
                                                                              : key << 27;
            }
            const KeyTable table(keys.data(), rows, stride);
            for (KeyTable::Key step = 0; step < 38; ++step) {
                for (const KeyTable::Key key : {step, last - step, step << 27}) {
                    std::vector<std::int64_t> wanted, found;
                    for (std::int64_t row = 0; row < rows; ++row) {
                        if (keys[static_cast<std::size_t>(row * stride)] == key) {
                            wanted.push_back(row);
                        }
                    }
                    for (const std::uint64_t entry : table.find(key)) {
                        found.push_back(KeyTable::row_of(entry));
                    }
                    CHECK(found == wanted);
                }
            }
        }
    }
}

TEST(multi_index_equals_brute_force) {
    at_every_level([] {
        for (const std::int64_t words : {2, 5, 19}) {
            for (const std::int64_t rows : {7, 600}) {
                const auto y = near_duplicates(rows, words, 9, 1);
                auto x = near_duplicates(70, words, 9, 2);
                x[3] ^= 0x0300000000000000u;  // differs where the database is constant
                x.back() ^= 0xff00000000000000u;
                const CodeRows database = view(y, words);
                const CodeRows queries = view(x, words);
                for (const std::int32_t built : {0, 1, 2, 4, 12}) {
                    if (built > 0 && 48 * words / (built + 1) < 24) {
                        continue;
                    }
                    const MultiIndex index(database, built, {});
                    for (std::int32_t radius = 0; radius <= built; radius += 1 + built / 3) {
                        check_radius(index, &queries, database, radius, false);
                        check_radius(index, &queries, database, radius, true);
                        check_radius(index, nullptr, database, radius, false);
                        check_radius(index, nullptr, database, radius, true);
                    }
                    check_radius(index, &queries, database, built, false);
                    check_radius(index, nullptr, database, -1, false);
                }
            }
        }
    });
}

/// Codes with a difference in all parts but one, whichever that is.
TEST(multi_index_finds_codes_that_share_a_single_part) {
    constexpr std::int64_t words = 4;
    const auto noise = random_words(300 * words, 5);
    const CodeRows database = view(noise, words);
    auto near = noise;
    const auto random = random_words(300 * 7, 6);
    for (std::size_t row = 0; row < 300; ++row) {
        for (std::size_t i = 0; i < 7; ++i) {
            const std::uint64_t bit = random[row * 7 + i] % (64 * words);
            near[row * words + bit / 64] ^= std::uint64_t{1} << bit % 64;
        }
    }
    const CodeRows queries = view(near, words);
    const MultiIndex index(database, 7, {});
    for (const std::int32_t radius : {3, 6, 7}) {
        check_radius(index, &queries, database, radius, false);
    }
    std::vector<std::int64_t> counts(300);
    const SearchStats stats = index.count_within(&queries, 7, false, counts.data(), {});
    CHECK(std::all_of(counts.begin(), counts.end(), [](std::int64_t n) { return n >= 1; }));
    CHECK(stats.distances < 320);  // noise meets nothing else
}

TEST(multi_index_of_equal_codes_and_of_none) {
    const std::vector<std::uint64_t> equal(900 * 3, 5);
    auto other = std::vector<std::uint64_t>(3, 5);
    const MultiIndex index(view(equal, 3), 0, {});
    check_radius(index, nullptr, view(equal, 3), 0, true);
    const CodeRows query = view(other, 3);
    check_radius(index, &query, view(equal, 3), 0, false);
    other[1] = 4;
    check_radius(index, &query, view(equal, 3), 0, false);
    const std::vector<std::uint64_t> none;
    const MultiIndex empty(view(none, 3), 0, {});
    check_radius(empty, nullptr, view(none, 3), 0, false);
    check_radius(empty, &query, view(none, 3), 0, false);
}

TEST(multi_index_does_not_depend_on_threads) {
    const auto words = near_duplicates(20'000, 4, 6, 5);
    const CodeRows database = view(words, 4);
    const CodeRows queries{words.data(), 300, 4, 4};
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        const MultiIndex index(database, 3, {});
        check_radius(index, &queries, database, 3, true);
    }
    set_threads(0);
}

TEST(multi_index_reads_rows_apart) {
    const auto wide = near_duplicates(200, 9, 4, 8);
    const CodeRows layer = view(wide, 9).columns(2, 6);
    const MultiIndex index(layer, 3, {});
    check_radius(index, nullptr, layer, 3, true);
    check_radius(index, &layer, layer, 2, false);
}

TEST(multi_index_refuses_what_it_cannot_do) {
    const auto noise = random_words(40 * 2, 7);
    const CodeRows codes = view(noise, 2);
    CHECK_THROWS(MultiIndex(codes, -1, {}), std::invalid_argument);
    CHECK_THROWS(MultiIndex(codes, 8, {}), std::invalid_argument);  // parts of 14 bits
    const MultiIndex index(codes, 7, {});
    NeighborLists lists;
    CHECK_THROWS(index.within_radius(nullptr, 8, false, lists, {}), std::invalid_argument);
    CHECK(std::isinf(sampled_candidates(nullptr, codes, 8, {})));
}

TEST(multi_index_can_be_interrupted) {
    const std::vector<std::uint64_t> equal(20'000, 5);
    const MultiIndex index(view(equal, 1), 0, {});
    std::vector<std::int64_t> counts(20'000);
    CHECK_THROWS(index.count_within(nullptr, 0, false, counts.data(), [] { return true; }),
                 Interrupted);
}

TEST(sampled_candidates_are_about_those_found) {
    for (const std::uint64_t most : {2, 12}) {
        const auto words = near_duplicates(30'000, 4, most, 5);
        const CodeRows database = view(words, 4);
        const CodeRows queries{words.data() + 4 * 15'000, 400, 4, 4};
        const MultiIndex index(database, 3, {});
        std::vector<std::int64_t> counts(30'000);
        const auto each = [&](const CodeRows* asked, double n) {
            const SearchStats stats = index.count_within(asked, 3, true, counts.data(), {});
            return static_cast<double>(stats.distances) / n;
        };
        const double of_queries = sampled_candidates(&queries, database, 3, {});
        CHECK(std::abs(of_queries / each(&queries, 400) - 1) < 0.1);
        CHECK(std::abs(sampled_candidates(nullptr, database, 3, {}) / of_queries - 1) < 0.1);
    }
    const auto noise = random_words(30'000 * 4, 6);
    CHECK(sampled_candidates(nullptr, view(noise, 4), 3, {}) < 0.5);
}

#include "sets.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "check.hpp"
#include "levels.hpp"
#include "sorting.hpp"

using namespace splinecode;

namespace {

using Code = std::vector<std::uint64_t>;

Code code_at(const CodeRows& codes, std::int64_t row) {
    return Code(codes.row(row), codes.row(row) + codes.words);
}

/// What unique must say, by a map.
void check_unique(const CodeRows& codes) {
    const auto n = static_cast<std::size_t>(codes.rows);
    std::vector<std::int64_t> representative(n), inverse(n), counts(n);
    const auto distinct = unique(codes, representative.data(), inverse.data(), counts.data(), {});
    std::map<Code, std::vector<std::int64_t>> wanted;
    for (std::int64_t row = 0; row < codes.rows; ++row) {
        wanted[code_at(codes, row)].push_back(row);
    }
    CHECK_EQ(distinct, static_cast<std::int64_t>(wanted.size()));
    std::size_t place = 0;
    for (const auto& [code, rows] : wanted) {
        CHECK_EQ(representative[place], rows.front());
        CHECK_EQ(counts[place], static_cast<std::int64_t>(rows.size()));
        for (const std::int64_t row : rows) {
            CHECK_EQ(inverse[static_cast<std::size_t>(row)], static_cast<std::int64_t>(place));
        }
        ++place;
    }
}

void check_argsort(const CodeRows& codes) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(codes.rows));
    argsort(codes, order.data(), {});
    std::vector<std::int64_t> wanted(order.size());
    std::iota(wanted.begin(), wanted.end(), 0);
    std::stable_sort(wanted.begin(), wanted.end(), [&](std::int64_t i, std::int64_t j) {
        return code_at(codes, i) < code_at(codes, j);
    });
    CHECK(order == wanted);
}

void check_match(const CodeRows& a, const CodeRows& b) {
    std::vector<std::int64_t> found(static_cast<std::size_t>(a.rows), -7);
    match(a, b, found.data(), {});
    std::map<Code, std::int64_t> lowest;
    for (std::int64_t row = b.rows; row-- > 0;) {
        lowest[code_at(b, row)] = row;
    }
    for (std::int64_t row = 0; row < a.rows; ++row) {
        const auto at = lowest.find(code_at(a, row));
        CHECK_EQ(found[static_cast<std::size_t>(row)], at == lowest.end() ? -1 : at->second);
    }
}

}  // namespace

TEST(unique_orders_words_and_keeps_first_rows) {
    const std::vector<std::uint64_t> words{5, 1, /**/ 2, 9, /**/ 5, 1, /**/ 2, 8, /**/ 5, 1};
    std::vector<std::int64_t> representative(5), inverse(5), counts(5);
    const auto distinct =
        unique({words.data(), 5, 2, 2}, representative.data(), inverse.data(), counts.data(), {});
    CHECK_EQ(distinct, 3);
    CHECK(representative[0] == 3 && representative[1] == 1 && representative[2] == 0);
    CHECK((inverse == std::vector<std::int64_t>{2, 1, 2, 0, 2}));
    CHECK(counts[0] == 1 && counts[1] == 1 && counts[2] == 3);
    CHECK_EQ(unique({nullptr, 0, 2, 2}, nullptr, nullptr, nullptr, {}), 0);
}

TEST(sets_agree_with_maps_on_slices_and_many_threads) {
    // 40,000 rows are several parts and ranges; of 3 words of 5 the codes are a layer's slice.
    constexpr std::int64_t rows = 40000;
    auto words = random_words(5 * rows, 7);
    for (std::uint64_t& word : words) {
        word %= 20;  // 8,000 distinct codes
    }
    const CodeRows slice{words.data() + 1, rows, 3, 5};
    const CodeRows later{words.data() + 2, rows / 2, 3, 5};
    const CodeRows backwards{words.data() + 5 * (rows - 1), rows, 3, -5};
    for (const int n : {1, 3}) {
        set_threads(n);
        for (const CodeRows& codes : {slice, backwards}) {
            check_unique(codes);
            check_argsort(codes);
            check_match(later, codes);
            check_match(codes, later);
        }
    }
    set_threads(0);
    const CodeRows distinct{random_words(3 * rows, 8).data(), 0, 3, 3};
    check_match(distinct, slice);
    check_match(slice, distinct);
    const auto all = random_words(2 * rows, 9);
    check_unique({all.data(), rows, 2, 2});
    check_argsort({all.data(), rows, 2, 2});
    check_unique({all.data(), 100, 0, 2});
}

TEST(codes_whose_hashes_collide_are_told_apart) {
    // Where the second word of a pair equals its key, the product is 0 whatever the first word is.
    constexpr std::int64_t rows = 300;
    std::vector<std::uint64_t> words;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const std::uint64_t code[] = {row % 50, hash_keys[1], row % 60, hash_keys[3]};
        words.insert(words.end(), code, code + 4);
    }
    CHECK_EQ(hash_code(words.data(), 4), hash_code(words.data() + 4, 4));
    const CodeRows codes{words.data(), rows, 4, 4};
    check_unique(codes);
    check_match(codes, {words.data() + 40, 150, 4, 4});
}

TEST(sorting_can_be_interrupted) {
    const std::int64_t rows = 1 << 20;
    const auto words = random_words(static_cast<std::size_t>(rows), 3);
    std::vector<std::int64_t> order(words.size());
    set_threads(1);
    CHECK_THROWS(argsort({words.data(), rows, 1, 1}, order.data(), [] { return true; }),
                 Interrupted);
    set_threads(0);
}

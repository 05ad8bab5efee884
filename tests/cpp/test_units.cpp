#include "units.hpp"

#include "bit_transpose.hpp"
#include "check.hpp"
#include "codes.hpp"
#include "levels.hpp"

using namespace splinecode;

namespace {

/// (word, bit) of every unit.
std::vector<std::pair<std::int64_t, std::int64_t>> places(const std::vector<std::int64_t>& layers) {
    std::vector<std::pair<std::int64_t, std::int64_t>> out;
    std::int64_t word = 0;
    for (const std::int64_t bits : layers) {
        for (std::int64_t bit = 0; bit < bits; ++bit) {
            out.emplace_back(word + bit / word_bits, bit % word_bits);
        }
        word += words_for(bits);
    }
    return out;
}

void check_units(const CodeRows& rows, const std::vector<std::int64_t>& layers) {
    const auto units = places(layers);
    const auto out_words = static_cast<std::size_t>(words_for(rows.rows));
    std::vector<std::int64_t> counts(units.size(), -1);
    std::vector<std::uint64_t> wanted(units.size() * out_words);
    std::vector<std::uint64_t> transposed(wanted.size(), 7);
    column_counts(rows, layers, counts.data(), {});
    transpose_bits(rows, layers, transposed.data(), {});
    for (std::size_t u = 0; u < units.size(); ++u) {
        std::int64_t count = 0;
        for (std::int64_t r = 0; r < rows.rows; ++r) {
            const std::uint64_t bit = rows.row(r)[units[u].first] >> units[u].second & 1;
            wanted[u * out_words + static_cast<std::size_t>(r / word_bits)] |= bit
                                                                               << (r % word_bits);
            count += static_cast<std::int64_t>(bit);
        }
        CHECK_EQ(counts[u], count);
    }
    CHECK(transposed == wanted);
}

}  // namespace

TEST(a_block_is_transposed) {
    const auto block = random_words(64, 1);
    auto transposed = block;
    transpose64(transposed.data());
    for (std::size_t i = 0; i < 64; ++i) {
        for (std::size_t j = 0; j < 64; ++j) {
            CHECK_EQ(transposed[i] >> j & 1, block[j] >> i & 1);
        }
    }
}

TEST(units_are_counted_and_transposed_at_every_shape) {
    at_every_level([] {
        for (const std::int64_t n : {0, 1, 7, 8, 63, 64, 65, 255, 256, 600}) {
            for (const auto& layers : std::vector<std::vector<std::int64_t>>{
                     {1}, {64}, {65}, {3, 0, 130}, {64 * 9, 5}, {64 * 40 + 1}}) {
                std::int64_t width = 0;
                for (const std::int64_t bits : layers) {
                    width += words_for(bits);
                }
                const auto data = random_words(static_cast<std::size_t>(n * width), 2);
                check_units({data.data(), n, width, width}, layers);
            }
        }
    });
}

TEST(rows_with_gaps_reversed_and_repeated_are_counted) {
    at_every_level([] {
        const auto data = random_words(90 * 5, 3);
        check_units({data.data() + 1, 89, 3, 5}, {70, 64});
        check_units({data.data() + 88 * 5, 89, 5, -5}, {5 * 64});
        check_units({data.data(), 300, 5, 0}, {5 * 64});
    });
}

TEST(counts_of_many_full_rows_do_not_overflow) {
    at_every_level([] {
        for (const std::int64_t n : {247, 249, 65'471, 65'536, 200'000}) {
            for (const std::int64_t stride : {0, 3}) {
                // A row of ones again and again; joined rows need the memory.
                const std::vector<std::uint64_t> all(static_cast<std::size_t>(3 * n),
                                                     ~std::uint64_t{0});
                std::vector<std::int64_t> counts(190);
                column_counts({all.data(), n, 3, stride}, {190}, counts.data(), {});
                CHECK(counts == std::vector<std::int64_t>(190, n));
            }
        }
    });
}

TEST(counts_do_not_depend_on_threads) {
    const auto data = random_words(40'000 * 37, 4);
    std::vector<std::vector<std::int64_t>> results;
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        std::vector<std::int64_t> counts(37 * 64);
        column_counts({data.data(), 40'000, 37, 37}, {37 * 64}, counts.data(), {});
        results.push_back(counts);
    }
    set_threads(0);
    CHECK(results[0] == results[1] && results[1] == results[2]);
}

TEST(no_units_are_fine) {
    column_counts({nullptr, 3, 0, 0}, {}, nullptr, {});
    transpose_bits({nullptr, 3, 0, 0}, {0}, nullptr, {});
}

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "check.hpp"
#include "codes.hpp"
#include "halves.hpp"
#include "levels.hpp"
#include "simd.hpp"

using namespace splinecode;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
StridedRows rows_of(const std::vector<T>& z, ElementType type, std::int64_t rows,
                    std::int64_t columns) {
    StridedRows view;
    view.data = z.data();
    view.type = type;
    view.leading = 1;
    view.shape[0] = view.rows = rows;
    view.stride[0] = view.columns = columns;
    return view;
}

template <class T>
std::vector<std::uint64_t> packed(const StridedRows& z, double threshold) {
    std::vector<std::uint64_t> words(static_cast<std::size_t>(z.rows * words_for(z.columns)),
                                     ~std::uint64_t{0});
    pack(z, threshold, words.data(), {});
    return words;
}

bool bit(const std::vector<std::uint64_t>& words, std::int64_t row_words, std::int64_t row,
         std::int64_t column) {
    const auto word = static_cast<std::size_t>(row * row_words + column / 64);
    return words[word] >> (column % 64) & 1;
}

}  // namespace

TEST(pack_agrees_with_comparison_at_every_width) {
    at_every_level([] {
        std::mt19937 random(1);
        const float specials[] = {0.0f, -0.0f, INFINITY, -INFINITY, 1e-45f, -1e-45f, 0.5f};
        for (std::int64_t columns = 1; columns < 200; ++columns) {
            std::vector<float> z(static_cast<std::size_t>(3 * columns));
            for (float& x : z) {
                x = random() % 3 ? specials[random() % 7]
                                 : static_cast<float>(random() % 1000) - 500.0f;
            }
            const std::vector<double> wide(z.begin(), z.end());
            for (const double threshold : {0.0, 0.5, -2.25, -infinity, infinity}) {
                const auto words =
                    packed<float>(rows_of(z, ElementType::float32, 3, columns), threshold);
                CHECK(words ==
                      packed<double>(rows_of(wide, ElementType::float64, 3, columns), threshold));
                for (std::int64_t i = 0; i < 3 * 64 * words_for(columns); ++i) {
                    const std::int64_t row = i / (64 * words_for(columns));
                    const std::int64_t column = i % (64 * words_for(columns));
                    const bool wanted =
                        column < columns &&
                        z[static_cast<std::size_t>(row * columns + column)] > threshold;
                    CHECK_EQ(bit(words, words_for(columns), row, column), wanted);
                }
            }
        }
    });
}

TEST(pack_orders_every_16_bit_float) {
    at_every_level([] {
        for (const ElementType type : {ElementType::float16, ElementType::bfloat16}) {
            std::vector<std::uint16_t> z(1 << 16);
            for (std::size_t i = 0; i < z.size(); ++i) {
                z[i] = static_cast<std::uint16_t>(i);
            }
            std::vector<std::uint16_t> numbers;
            for (const std::uint16_t bits : z) {
                if ((bits & 0x7fff) <= infinity_bits(type)) {
                    numbers.push_back(bits);
                }
            }
            const auto count = static_cast<std::int64_t>(numbers.size());
            for (const double threshold :
                 {0.0, 1.0, -1.0, 0.1, -65504.0, 1e-7, -1e-60, -infinity}) {
                const double rounded = value_of(half_bits(threshold, type), type);
                const auto words = packed<std::uint16_t>(rows_of(z, type, 1, 1 << 16), threshold);
                for (std::int64_t i = 0; i < 1 << 16; ++i) {
                    const double value = value_of(static_cast<std::uint16_t>(i), type);
                    CHECK_EQ(bit(words, 1 << 10, 0, i), value > rounded);
                }
                const auto sure = rows_of(numbers, type, 1, count);
                const auto number_words = packed<std::uint16_t>(sure, threshold);
                for (std::int64_t i = 0; i < count; ++i) {
                    const double value = value_of(numbers[static_cast<std::size_t>(i)], type);
                    CHECK_EQ(bit(number_words, words_for(count), 0, i), value > rounded);
                }
            }
        }
    });
}

TEST(half_bits_rounds_to_nearest_even) {
    for (const ElementType type : {ElementType::float16, ElementType::bfloat16}) {
        for (std::uint16_t bits = 1; bits < infinity_bits(type); ++bits) {
            const double value = value_of(bits, type);
            const double next = value_of(static_cast<std::uint16_t>(bits + 1), type);
            CHECK_EQ(half_bits(value, type), bits);
            CHECK_EQ(half_bits(-value, type), bits | 0x8000);
            if (std::isfinite(next)) {
                CHECK_EQ(half_bits((value + next) / 2, type), bits + bits % 2);
            }
        }
        CHECK_EQ(half_bits(-0.0, type), 0);
        CHECK_EQ(half_bits(-1e-60, type), 0);
        CHECK_EQ(half_bits(1e300, type), infinity_bits(type));
        CHECK_EQ(half_bits(-INFINITY, type), infinity_bits(type) | 0x8000);
    }
}

TEST(pack_finds_the_first_nan) {
    at_every_level([] {
        for (const std::int64_t place : {0, 7, 63, 64, 129, 130 + 64}) {
            std::vector<float> z(2 * 130, 1.0f);
            z[static_cast<std::size_t>(place)] = std::nanf("");
            z.back() = std::nanf("");
            std::vector<std::uint64_t> words(2 * 3);
            CHECK_EQ(pack(rows_of(z, ElementType::float32, 2, 130), 0, words.data(), {}), place);
            CHECK(!bit(words, 3, place / 130, place % 130));
            const std::vector<double> wide(z.begin(), z.end());
            CHECK_EQ(pack(rows_of(wide, ElementType::float64, 2, 130), 0, words.data(), {}), place);
        }
        std::vector<std::uint16_t> halves(130, 0x3c00);
        halves[77] = 0xfe01;
        std::vector<std::uint64_t> words(3);
        CHECK_EQ(pack(rows_of(halves, ElementType::float16, 1, 130), 0, words.data(), {}), 77);
        CHECK(!bit(words, 3, 0, 77));
    });
}

TEST(pack_finds_a_16_bit_nan_anywhere) {
    at_every_level([] {
        for (const ElementType type : {ElementType::float16, ElementType::bfloat16}) {
            for (std::int64_t place = 0; place < 130; ++place) {
                for (const unsigned sign : {0u, 0x8000u}) {
                    std::vector<std::uint16_t> z(130, infinity_bits(type));
                    const auto nan = static_cast<std::uint16_t>((infinity_bits(type) + 1) | sign);
                    z[static_cast<std::size_t>(place)] = nan;
                    std::vector<std::uint64_t> words(3);
                    CHECK_EQ(pack(rows_of(z, type, 1, 130), 0, words.data(), {}), place);
                    for (std::int64_t i = 0; i < 130; ++i) {
                        CHECK_EQ(bit(words, 3, 0, i), i != place);
                    }
                }
            }
        }
    });
}

TEST(squares_of_bits_are_transposed) {
    at_every_level([] {
        for (const std::size_t squares : {std::size_t{1}, std::size_t{3}, std::size_t{16}}) {
            const auto before = random_words(64 * squares, squares);
            auto after = before;
            kernels().transpose_bits(after.data(), squares);
            for (std::size_t s = 0; s < squares; ++s) {
                for (std::size_t i = 0; i < 64; ++i) {
                    for (std::size_t j = 0; j < 64; ++j) {
                        CHECK_EQ(after[i * squares + s] >> j & 1, before[j * squares + s] >> i & 1);
                    }
                }
            }
        }
    });
}

TEST(pack_follows_adjacent_rows) {
    // (3, run, columns) seen in (3, columns, run) memory: a batch of channel-first images.
    at_every_level([] {
        std::mt19937 random(4);
        for (const std::int64_t run : {15, 16, 63, 64, 200, 1100}) {
            for (const std::int64_t columns : {1, 64, 65, 530}) {
                std::vector<float> z(static_cast<std::size_t>(3 * run * columns));
                for (float& x : z) {
                    x = static_cast<float>(random() % 7) - 3.0f;
                }
                StridedRows view;
                view.data = z.data();
                view.type = ElementType::float32;
                view.leading = 2;
                view.shape[0] = 3, view.stride[0] = run * columns;
                view.shape[1] = run, view.stride[1] = 1;
                view.rows = 3 * run;
                view.columns = columns, view.column_stride = run;
                const auto words = packed<float>(view, 0);
                for (std::int64_t i = 0; i < 3 * run * 64 * words_for(columns); ++i) {
                    const std::int64_t row = i / (64 * words_for(columns));
                    const std::int64_t column = i % (64 * words_for(columns));
                    const std::int64_t at = row / run * run * columns + row % run + column * run;
                    CHECK_EQ(bit(words, words_for(columns), row, column),
                             column < columns && z[static_cast<std::size_t>(at)] > 0);
                }
                const std::int64_t place = 2 * run * columns + run / 2 + (columns - 1) * run;
                z[static_cast<std::size_t>(place)] = std::nanf("");
                std::vector<std::uint64_t> out(static_cast<std::size_t>(3 * run) *
                                               static_cast<std::size_t>(words_for(columns)));
                CHECK_EQ(pack(view, 0, out.data(), {}),
                         (2 * run + run / 2) * columns + columns - 1);
            }
        }
    });
}

TEST(pack_follows_any_strides) {
    at_every_level([] {
        std::mt19937 random(2);
        std::vector<double> z(5 * 7 * 1100);
        for (double& x : z) {
            x = static_cast<double>(random() % 7) - 3;
        }
        // Seen as (7, 5) rows of every second of 1,100 columns, from the last to the first.
        StridedRows view;
        view.data = z.data() + 1099;
        view.leading = 2;
        view.shape[0] = 7, view.stride[0] = 1100;
        view.shape[1] = 5, view.stride[1] = 7 * 1100;
        view.rows = 35;
        view.columns = 550, view.column_stride = -2;
        const auto words = packed<double>(view, 0);
        for (std::int64_t row = 0; row < 35; ++row) {
            for (std::int64_t column = 0; column < 550; ++column) {
                const std::int64_t at = (row / 5) * 1100 + (row % 5) * 7700 + 1099 - 2 * column;
                CHECK_EQ(bit(words, words_for(550), row, column),
                         z[static_cast<std::size_t>(at)] > 0);
            }
        }
    });
}

TEST(unpack_inverts_pack) {
    for (const std::int64_t columns : {1, 63, 64, 65, 300}) {
        std::vector<std::uint8_t> bits(static_cast<std::size_t>(4 * columns));
        std::mt19937 random(3);
        for (std::uint8_t& b : bits) {
            b = random() % 2;
        }
        const auto words = packed<std::uint8_t>(rows_of(bits, ElementType::boolean, 4, columns), 0);
        std::vector<std::uint8_t> back(bits.size(), 9);
        unpack(words.data(), 4, words_for(columns), columns, back.data(), {});
        CHECK(back == bits);
    }
}

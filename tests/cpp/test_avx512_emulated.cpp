// The AVX-512 kernels' code on any x86 processor: SIMDe stands in for the instructions. It proves
// the logic, not the compiled instructions, which only a processor with AVX-512 can run.

#include <limits>
#include <random>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "levels.hpp"

using splinecode::avx512_kernels;
using splinecode::scalar_kernels;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

template <class T>
std::vector<T> random_values(std::size_t n, std::mt19937& random) {
    const T specials[] = {0, -T(0), T(infinity), -T(infinity), T(1), T(-1), T(0.5)};
    std::vector<T> values(n);
    for (T& value : values) {
        value = random() % 2 ? specials[random() % 7] : static_cast<T>(random() % 9) - T(4);
    }
    return values;
}

template <class Pack>
void same_words(std::size_t n, const Pack& pack) {
    const std::size_t words = (n + 63) / 64;
    std::vector<std::uint64_t> ours(words, 1);
    std::vector<std::uint64_t> wanted(words, 2);
    CHECK_EQ(pack(avx512_kernels, ours.data()) != 0, pack(scalar_kernels, wanted.data()) != 0);
    CHECK(ours == wanted);
}

}  // namespace

TEST(avx512_packs_as_the_scalar_level_does) {
    std::mt19937 random(1);
    for (std::size_t n = 1; n < 300; ++n) {
        auto wide = random_values<double>(n, random);
        auto single = random_values<float>(n, random);
        std::vector<std::uint16_t> half(n);
        std::vector<std::uint8_t> bits(n);
        for (std::size_t j = 0; j < n; ++j) {
            half[j] = static_cast<std::uint16_t>(random());
            bits[j] = random() % 2;
        }
        if (n % 5 == 0) {
            wide[n / 2] = single[n - 1] = std::numeric_limits<float>::quiet_NaN();
        }
        using splinecode::Kernels;
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_float64(wide.data(), n, 0.5, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_float32(single.data(), n, -0.0f, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_half(half.data(), n, -7, n % 2 ? 0x7c00 : 0x7f80, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            k.pack_bool(bits.data(), n, words);
            return 0;
        });
    }
}

TEST(avx512_counts_as_the_scalar_level_does) {
    for (std::size_t words = 0; words < 70; ++words) {
        const auto x = random_words(3 * words, words);
        const auto y = random_words(7 * words, words + 100);
        std::vector<std::int32_t> ours(21, -1);
        std::vector<std::int32_t> wanted(21, -2);
        const auto stride = static_cast<std::ptrdiff_t>(words);
        avx512_kernels.hamming_tile(x.data(), 3, stride, y.data(), 7, stride, words, ours.data(),
                                    7);
        scalar_kernels.hamming_tile(x.data(), 3, stride, y.data(), 7, stride, words, wanted.data(),
                                    7);
        CHECK(ours == wanted);
        CHECK_EQ(avx512_kernels.hamming_distance(x.data(), y.data(), words), wanted[0]);
        for (const std::int32_t bound : {-1, wanted[3], 64 * 70}) {
            CHECK_EQ(avx512_kernels.find_at_most(wanted.data(), 1, 21, bound),
                     scalar_kernels.find_at_most(wanted.data(), 1, 21, bound));
        }
    }
}

TEST(avx512_sweeps_as_the_scalar_level_does) {
    std::mt19937 random(2);
    for (std::size_t n = 1; n < 200; ++n) {
        auto z = random_values<double>(n, random);
        const auto right = random_values<double>(n, random);
        std::vector<double> tolerance(n);
        for (double& limit : tolerance) {
            limit = static_cast<double>(random() % 3);
        }
        const std::size_t words = (n + 63) / 64;
        std::vector<std::uint64_t> ours(2 * words);
        std::vector<std::uint64_t> wanted(2 * words, 1);
        avx512_kernels.classify(z.data(), tolerance.data(), n, ours.data(), ours.data() + words);
        scalar_kernels.classify(z.data(), tolerance.data(), n, wanted.data(),
                                wanted.data() + words);
        CHECK(ours == wanted);
        for (double& value : z) {
            value = value > 9 ? 9 : value < -9 ? -9 : value / 3;
        }
        double ours_size[2] = {};
        double wanted_size[2] = {};
        avx512_kernels.row_size(z.data(), n, ours_size, ours_size + 1);
        scalar_kernels.row_size(z.data(), n, wanted_size, wanted_size + 1);
        CHECK_EQ(ours_size[0], wanted_size[0]);
        CHECK_EQ(ours_size[1], wanted_size[1]);
    }
}

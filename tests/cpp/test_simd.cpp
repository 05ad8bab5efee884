#include "simd.hpp"

#include <cmath>
#include <stdexcept>

#include "check.hpp"
#include "levels.hpp"

using namespace splinecode;

TEST(levels_are_chosen_by_name_and_never_fall_back) {
    CHECK_EQ(available_simd().front(), "scalar");
    set_simd("scalar");
    CHECK_EQ(std::string(kernels().name), "scalar");
    CHECK_THROWS(set_simd("sse9"), std::invalid_argument);
    CHECK_EQ(std::string(kernels().name), "scalar");
    set_simd("");
    CHECK_EQ(std::string(kernels().name), available_simd().back());
}

TEST(classify_and_interpolate_equal_their_definition) {
    at_every_level([] {
        for (std::size_t n = 1; n < 150; ++n) {
            std::vector<double> z(n), right(n), tolerance(n), out(n, -1);
            const auto random = random_words(2 * n, n);
            for (std::size_t j = 0; j < n; ++j) {
                z[j] = static_cast<double>(random[j] % 9) - 4;
                right[j] = static_cast<double>(random[n + j] % 9) - 4;
                tolerance[j] = static_cast<double>(j % 3);
            }
            const std::size_t words = (n + 63) / 64;
            std::vector<std::uint64_t> positive(words, ~0ull), negative(words, ~0ull);
            kernels().classify(z.data(), tolerance.data(), n, positive.data(), negative.data());
            kernels().interpolate_relu(z.data(), right.data(), 0.25, 0.5, n, out.data());
            double squares = 0;
            double largest = 0;
            kernels().row_size(z.data(), n, &squares, &largest);
            double sum = 0;
            double most = 0;
            for (std::size_t j = 0; j < n; ++j) {
                CHECK_EQ((positive[j / 64] >> (j % 64) & 1) != 0, z[j] > tolerance[j]);
                CHECK_EQ((negative[j / 64] >> (j % 64) & 1) != 0, z[j] < -tolerance[j]);
                const double x = 0.75 * z[j] + 0.25 * right[j];  // exact: small multiples of 1/4
                CHECK_EQ(out[j], x > 0 ? x : 0.5 * x);
                sum += z[j] * z[j];
                most = std::max(most, std::fabs(z[j]));
            }
            if (n % 64) {
                CHECK_EQ(positive.back() >> (n % 64), 0u);
                CHECK_EQ(negative.back() >> (n % 64), 0u);
            }
            CHECK_EQ(squares, sum);
            CHECK_EQ(largest, most);
        }
    });
}

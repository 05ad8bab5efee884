// That the probes' kernels do the work they are named for, and refuse what they cannot time. Never
// how fast.

#include "probe.hpp"

#include <stdexcept>

#include "cache.hpp"
#include "check.hpp"
#include "levels.hpp"

using namespace splinecode;

TEST(the_probe_counts_differing_bits) {
    at_every_level([] {
        const auto words = random_words(192, 1);
        const std::size_t step = kernels().words_per_vector;
        std::uint64_t wanted = 0;
        for (std::size_t i = 0; i < words.size(); ++i) {
            wanted += static_cast<std::uint64_t>(__builtin_popcountll(words[i] ^ words[i % step]));
        }
        CHECK_EQ(kernels().probe_popcount(words.data(), words.size(), 3), 3 * wanted);
    });
}

TEST(the_probe_reads_every_word) {
    at_every_level([] {
        std::vector<std::uint64_t> words(128, 0);
        CHECK_EQ(kernels().probe_read(words.data(), words.size(), 1), 0);
        for (std::size_t i = 64; i < words.size(); ++i) {
            words[i] = 1;
            CHECK_EQ(kernels().probe_read(words.data(), words.size(), 1), 1);
            words[i] = 0;
        }
    });
}

TEST(the_probe_looks_bytes_up) {
    at_every_level([] {
        // Byte b of every word holds (b + 1) % 8: eight look-ups lead back to where they began.
        const std::vector<std::uint64_t> words(64, 0x0007060504030201);
        CHECK_EQ(kernels().probe_shuffle(words.data(), 0), 0);
        CHECK_EQ(kernels().probe_shuffle(words.data(), 8), 0);
        CHECK(kernels().probe_shuffle(words.data(), 3) > 0);
    });
}

TEST(rates_are_positive_and_nonsense_is_refused) {
    CHECK(probe_cache(4096, 1e-3, {}) > 0);
    CHECK(probe_popcount(1e-3, {}) > 0);
    CHECK(probe_shuffle(1e-3, {}) > 0);
    CHECK_THROWS(probe_cache(64, 1e-3, {}), std::invalid_argument);
    CHECK_THROWS(probe_cache(4096, 0, {}), std::invalid_argument);
    CHECK_THROWS(probe_memory(1e-3, [] { return true; }), Interrupted);
    CHECK_THROWS(cache_bytes(4), std::invalid_argument);
    CHECK(cache_bytes(1) > 0 && cache_bytes(1) <= cache_bytes(2));
}

#pragma once

// What the tests of the emulated kernels share.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "emulator.hpp"

inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

class Random {
public:
    explicit Random(std::uint64_t seed) : bits_(seed) {}

    std::uint64_t word() { return bits_(); }
    std::int64_t from(std::int64_t least, std::int64_t most) {
        return least +
               static_cast<std::int64_t>(bits_() % static_cast<std::uint64_t>(most - least + 1));
    }
    bool one_in(std::int64_t n) { return from(1, n) == 1; }
    double normal() { return std::normal_distribution<>()(bits_); }
    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[from(0, static_cast<std::int64_t>(values.size()) - 1)];
    }
    template <class T>
    void shuffle(std::vector<T>& values) {
        std::shuffle(values.begin(), values.end(), bits_);
    }

private:
    std::mt19937_64 bits_;
};

/// Rounds of random cases: a third under AddressSanitizer, where fibers change ten times as slowly.
constexpr int rounds(int n) {
#if defined(__SANITIZE_ADDRESS__)
    return (n + 2) / 3;
#else
    return n;
#endif
}

/// Every other grid or so runs with fewer blocks than it was launched with.
class FewerBlocks {
public:
    explicit FewerBlocks(Random& random) {
        emulator::most_blocks = random.one_in(2) ? 0 : static_cast<unsigned>(random.from(1, 3));
    }
    ~FewerBlocks() { emulator::most_blocks = 0; }
    FewerBlocks(const FewerBlocks&) = delete;
    FewerBlocks& operator=(const FewerBlocks&) = delete;
};

#pragma once

#include <random>
#include <string>
#include <vector>

#include "simd.hpp"

/// Runs body() with each instruction-set level that this processor offers.
template <class Body>
void at_every_level(const Body& body) {
    for (const std::string& level : splinecode::available_simd()) {
        splinecode::set_simd(level);
        body();
    }
    splinecode::set_simd("");
}

/// Exactly as large as asked, so that AddressSanitizer sees any access past the end.
inline std::vector<std::uint64_t> random_words(std::size_t n, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> words(n);
    for (std::uint64_t& word : words) {
        word = random();
    }
    return words;
}

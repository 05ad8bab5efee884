#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

/// What the files that build a program share.
namespace splinecode::sweep {

constexpr double product_ns = 0.03;
constexpr double diagonal_ns = 1.0;
constexpr double pieces_ns = 1.4;
constexpr double max_ns = 3.0;

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

inline void need(bool good, const char* what) {
    if (!good) {
        throw std::invalid_argument(what);
    }
}

/// How often the unit that is taken most often is.
inline double largest_count(const std::int64_t* index, std::int64_t n, std::int64_t units) {
    std::vector<std::int64_t> counts(at(units) + 1);
    for (std::int64_t i = 0; i < n; ++i) {
        if (index[i] >= 0) {
            ++counts[at(index[i])];
        }
    }
    return static_cast<double>(std::max<std::int64_t>(1, *std::ranges::max_element(counts)));
}

}  // namespace splinecode::sweep

#pragma once

#include <cstdint>

#include "codes.hpp"
#include "strided.hpp"

/// How work is cut into blocks, warps and batches. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// For what is called seldom: inlined, it would take registers from where time is spent.
#if defined(__CUDACC__)
#define SPLINECODE_SELDOM __noinline__
#else
#define SPLINECODE_SELDOM
#endif

constexpr int warp_lanes = 32;
constexpr int block_threads = 256;
constexpr int block_warps = block_threads / warp_lanes;

/// Every kernel steps over its work by the size of its grid: a grid is never larger than this,
/// whatever the work, and far larger than any device runs at once.
constexpr std::int64_t max_blocks = 1 << 16;

SPLINECODE_HOST_DEVICE constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return a / b + (a % b != 0);
}

/// Blocks of a grid for `work` > 0 pieces, one piece per block and step.
constexpr unsigned blocks_for(std::int64_t work) {
    return static_cast<unsigned>(work < max_blocks ? work : max_blocks);
}

/// Rows of words cut into strips of at most `most` neighbouring words of one row, numbered in row
/// order. A warp packs a strip.
///
/// Example: 2 rows of 11 words are 4 strips of at most 8: words [0, 8) and [8, 11) of row 0, then
/// of row 1.
template <int most>
struct PackStrips {
    static constexpr int most_words = most;

    struct Strip {
        std::int64_t row;
        std::int64_t first_word;
        int words;
    };

    std::int64_t rows;
    std::int64_t row_words;

    SPLINECODE_HOST_DEVICE constexpr std::int64_t per_row() const {
        return ceil_div(row_words, most_words);
    }

    SPLINECODE_HOST_DEVICE constexpr std::int64_t count() const { return rows * per_row(); }

    SPLINECODE_HOST_DEVICE constexpr Strip at(std::int64_t strip) const {
        const std::int64_t row = strip / per_row();
        const std::int64_t first_word = (strip - row * per_row()) * most_words;
        const std::int64_t left = row_words - first_word;
        return {row, first_word, left < most_words ? static_cast<int>(left) : most_words};
    }
};

}  // namespace splinecode::cuda

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "codes.hpp"
#include "strided.hpp"

/// How work is cut into blocks, warps and batches. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

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

/// A queries x rows matrix of distances cut into tiles, one per block. Tiles of neighbouring
/// numbers share rows: the database is streamed once while the queries stay in the L2 cache.
struct DistanceTiles {
    static constexpr int queries = 32;
    static constexpr int rows = 64;
    /// Words of a code in shared memory at a time.
    static constexpr int words = 16;

    struct Tile {
        std::int64_t first_query;
        std::int64_t first_row;
    };

    std::int64_t n_queries;
    std::int64_t n_rows;

    SPLINECODE_HOST_DEVICE constexpr std::int64_t count() const {
        return ceil_div(n_queries, queries) * ceil_div(n_rows, rows);
    }

    SPLINECODE_HOST_DEVICE constexpr Tile at(std::int64_t tile) const {
        const std::int64_t per_column = ceil_div(n_queries, queries);
        const std::int64_t column = tile / per_column;
        return {(tile - column * per_column) * queries, column * rows};
    }
};

/// The workspace of top_k is a matrix of int32, one row of distances per query of a batch.
/// Its pitch is a multiple of 32 entries, so that a warp writes one aligned 128-byte line.
constexpr std::int64_t distance_pitch(std::int64_t n_rows) {
    return ceil_div(n_rows, warp_lanes) * warp_lanes;
}

/// select.hpp counts the rows that one warp sees in 32 bits, and distances are int32.
constexpr std::int64_t most_rows = std::int64_t{1} << 35;
constexpr std::int64_t most_words =
    (std::numeric_limits<std::int32_t>::max() - 1) / splinecode::word_bits;

inline std::size_t distances_bytes(std::int64_t n_queries, std::int64_t n_rows) {
    if (n_queries < 0 || n_rows < 0 || n_rows >= most_rows) {
        throw std::invalid_argument("top_k: the number of queries or rows is out of range");
    }
    const auto query_bytes =
        static_cast<std::size_t>(distance_pitch(n_rows)) * sizeof(std::int32_t);
    if (query_bytes != 0 && static_cast<std::size_t>(n_queries) >
                                std::numeric_limits<std::size_t>::max() / query_bytes) {
        throw std::invalid_argument("top_k: the size of the workspace overflows");
    }
    return static_cast<std::size_t>(n_queries) * query_bytes;
}

/// Queries of a batch: as many as fit in the workspace, at most n_queries. n_rows > 0.
inline std::int64_t queries_per_batch(std::size_t workspace_bytes, std::int64_t n_queries,
                                      std::int64_t n_rows) {
    const std::size_t fit = workspace_bytes / distances_bytes(1, n_rows);
    const auto wanted = static_cast<std::size_t>(n_queries);
    return static_cast<std::int64_t>(fit < wanted ? fit : wanted);
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "geometry.hpp"

/// Distances are computed tile by tile: some queries against some rows of the database, whose codes
/// pass through shared memory in chunks. Here is where everything lies. Plain arithmetic, so the
/// CPU tests run it.
namespace splinecode::cuda {

/// A chunk of a code: what one line of shared memory holds of it.
constexpr int chunk_bytes = 128;
constexpr int chunk_words = chunk_bytes / 8;
/// Chunks are copied and swizzled in pieces.
constexpr int piece_bytes = 16;
constexpr int piece_words = piece_bytes / 8;
constexpr int chunk_pieces = chunk_bytes / piece_bytes;
/// A product takes a step of 256 bits of the codes.
constexpr int step_bytes = 32;
constexpr int step_words = step_bytes / 8;
constexpr int chunk_steps = chunk_bytes / step_bytes;
/// Groups of 8 lines repeat in the swizzle, so a tile of lines must start at a multiple of these.
constexpr int tile_alignment = 8 * chunk_bytes;

/// Byte offset of a piece of a line. The pieces of 8 neighbouring lines that stand at the same
/// place of their codes lie in different banks: what wgmma calls the 128-byte swizzle.
SPLINECODE_HOST_DEVICE constexpr int piece_offset(int line, int piece) {
    return line * chunk_bytes + (piece ^ (line & 7)) * piece_bytes;
}

/// Codes of `words` words seen as chunks, the last one filled up with zeros. Codes without words
/// are a step of zeros.
struct Chunks {
    std::int64_t words;

    SPLINECODE_HOST_DEVICE constexpr int count() const {
        return words == 0 ? 1 : static_cast<int>(ceil_div(words, chunk_words));
    }
    /// log2 of the steps of a chunk: 4 steps, or 1 or 2 for codes that have no more.
    SPLINECODE_HOST_DEVICE constexpr int steps_log2() const {
        return words <= step_words ? 0 : words <= 2 * step_words ? 1 : 2;
    }
    SPLINECODE_HOST_DEVICE constexpr int steps() const { return 1 << steps_log2(); }
    /// log2 of the pieces of a chunk that are copied: two a step.
    SPLINECODE_HOST_DEVICE constexpr int pieces_log2() const { return steps_log2() + 1; }
    /// Bytes of piece `piece` of chunk `chunk` that belong to the code: 0, 8 or 16.
    SPLINECODE_HOST_DEVICE constexpr int valid_bytes(int chunk, int piece) const {
        const std::int64_t left =
            words - std::int64_t{chunk} * chunk_words - std::int64_t{piece} * piece_words;
        return left >= piece_words ? piece_bytes : left == 1 ? 8 : 0;
    }
};

/// Which query and row of a tile a thread's sums belong to: those of a warp's products. A warp has
/// QueryTiles * 16 queries of its own and all RowTiles * 8 rows of the tile. A thread has
/// `slots` of the queries, and `columns` of the rows for each.
template <int QueryTiles, int RowTiles>
struct Fragment {
    static constexpr int slots = 2 * QueryTiles;
    static constexpr int columns = 2 * RowTiles;
    static constexpr int warp_queries = 16 * QueryTiles;
    static constexpr int rows = 8 * RowTiles;
    /// sums[QueryTiles][RowTiles][4].
    using Sums = std::int32_t[QueryTiles][RowTiles][4];

    /// The query, within the warp's, of a slot.
    SPLINECODE_HOST_DEVICE static constexpr int query(int lane, int slot) {
        return slot / 2 * 16 + slot % 2 * 8 + lane / 4;
    }
    /// The row, within the tile, of a column.
    SPLINECODE_HOST_DEVICE static constexpr int row(int lane, int column) {
        return column / 2 * 8 + lane % 4 * 2 + column % 2;
    }
    SPLINECODE_HOST_DEVICE static constexpr std::int32_t& at(Sums& sums, int slot, int column) {
        return sums[slot / 2][column / 2][slot % 2 * 2 + column % 2];
    }
};

/// Work of one block at a time: a tile of queries and a range of rows. Units of neighbouring
/// numbers have the same rows, which so come from the L2 cache.
struct Units {
    std::int64_t n_queries;
    std::int64_t n_rows;
    int tile_queries;
    int tile_rows;
    std::int64_t splits;  // of the rows, > 0

    struct Unit {
        std::int64_t first_query;
        std::int64_t begin_row;
        std::int64_t end_row;
        std::int64_t split;
    };

    SPLINECODE_HOST_DEVICE constexpr std::int64_t query_tiles() const {
        return ceil_div(n_queries, tile_queries);
    }
    SPLINECODE_HOST_DEVICE constexpr std::int64_t count() const { return query_tiles() * splits; }
    /// Rows of a split: whole tiles, but for the last split, which may be shorter or empty.
    SPLINECODE_HOST_DEVICE constexpr std::int64_t split_rows() const {
        return ceil_div(ceil_div(n_rows, tile_rows), splits) * tile_rows;
    }
    SPLINECODE_HOST_DEVICE constexpr Unit at(std::int64_t unit) const {
        const std::int64_t split = unit / query_tiles();
        const std::int64_t begin = least(split * split_rows(), n_rows);
        return {(unit - split * query_tiles()) * tile_queries, begin,
                least(begin + split_rows(), n_rows), split};
    }

private:
    SPLINECODE_HOST_DEVICE static constexpr std::int64_t least(std::int64_t a, std::int64_t b) {
        return a < b ? a : b;
    }
};

/// Into how many ranges to split the rows, so that `blocks` blocks at once finish about together:
/// the least number, from 1 to `most`, for which the blocks are 95% busy, else the best.
constexpr std::int64_t balanced_splits(std::int64_t query_tiles, std::int64_t blocks,
                                       std::int64_t most) {
    std::int64_t best = 1;
    double best_busy = 0;
    for (std::int64_t splits = 1; splits <= most && best_busy < 0.95; ++splits) {
        const std::int64_t units = query_tiles * splits;
        const double busy =
            static_cast<double>(units) / static_cast<double>(ceil_div(units, blocks) * blocks);
        if (busy > best_busy) {
            best = splits;
            best_busy = busy;
        }
    }
    return best;
}

}  // namespace splinecode::cuda

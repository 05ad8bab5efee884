#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "lookup.hpp"
#include "parallel.hpp"
#include "simd.hpp"

/// Distances of a few queries to many rows by look-ups in registers: the engine between counting
/// pair by pair and look-up tables. kernels/nibble_body.hpp has the method.
namespace splinecode {

/// Queries as tables of the partial distances to the 16 patterns of every nibble, of codes of up to
/// lookup::most_bits bits.
class NibbleBlock {
public:
    /// Rows [begin, end) of `queries`. O(rows * words), 16 bytes for each nibble of two queries.
    NibbleBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end);

    std::size_t queries() const { return queries_; }
    std::int64_t words() const { return words_; }
    /// The tables of queries 2 * pair and 2 * pair + 1 from a step on.
    const std::uint8_t* tables(std::size_t pair, std::size_t step) const {
        return tables_.data() + pair * pair_bytes_ + step * layout_.table_bytes();
    }

private:
    void add_query(const std::uint64_t* code, std::size_t nibble, std::uint8_t* tables) const;

    nibbles::Layout layout_;
    std::size_t queries_;
    std::int64_t words_;
    std::size_t pair_bytes_;
    std::vector<std::uint8_t> tables_;
};

/// What one thread needs to compute tiles of codes of up to lookup::most_bits bits.
class NibbleTile {
public:
    /// Rows of a tile, and from one query's distances to the next one's.
    static constexpr std::size_t rows = 512;

    NibbleTile();

    /// Distances of rows [begin, end) of `codes` to the block, at most `rows`: those of query q
    /// from q * rows on, valid until the next call.
    const std::uint16_t* distances(const NibbleBlock& block, const CodeRows& codes,
                                   std::int64_t begin, std::int64_t end);

private:
    /// Words turned together, whole vectors at every level: 512 bytes of a row, enough for the
    /// memory's pages, and their nibbles within the second cache.
    static constexpr std::int64_t words_together = 64;

    /// Rows whose words are needed next, fetched while the turned ones pass through the queries.
    struct Ahead {
        CodeRows codes;
        std::int64_t row, end;

        void fetch(std::int64_t count);
    };

    static Ahead ahead_of(const CodeRows& codes, std::int64_t row);
    const std::uint64_t* group_rows(const CodeRows& codes, std::int64_t row, std::int64_t end,
                                    std::ptrdiff_t& stride);
    void add_words(const NibbleBlock& block, std::int64_t word, Ahead ahead,
                   std::uint16_t* distances);

    const Kernels& kernel_ = kernels();
    nibbles::Layout layout_{kernel_.lookup_vector_bytes / 8};
    std::vector<std::uint8_t> turned_;
    std::vector<std::uint64_t> padded_;
    std::vector<std::uint16_t> distances_;
};

/// A few queries of any width.
class FewQueries {
public:
    FewQueries(const CodeRows& queries, std::int64_t begin, std::int64_t end);

    /// Calls visit(query, first_row, distances, n) for the tiles of rows [begin, end) in order,
    /// with query from 0 and distances of uint16_t, or int32_t above lookup::most_bits bits.
    template <class Visit>
    void for_each_tile(const CodeRows& rows, std::int64_t begin, std::int64_t end,
                       const Visit& visit) const {
        constexpr auto tile_rows = static_cast<std::int64_t>(NibbleTile::rows);
        NibbleTile tile;
        std::vector<std::int32_t> sums;
        const auto each = [&](std::int64_t row, std::int64_t stop, const auto* distances) {
            for (std::size_t q = 0; q < parts_.front().queries(); ++q) {
                visit(static_cast<std::int64_t>(q), row, distances + q * NibbleTile::rows,
                      stop - row);
            }
        };
        for (std::int64_t row = begin; row < end; row += tile_rows) {
            checkpoint();
            const std::int64_t stop = std::min(end, row + tile_rows);
            if (parts_.size() == 1) {
                each(row, stop, tile.distances(parts_.front(), rows, row, stop));
            } else {
                add_parts(tile, rows, row, stop, sums);
                each(row, stop, sums.data());
            }
        }
    }

private:
    void add_parts(NibbleTile& tile, const CodeRows& rows, std::int64_t begin, std::int64_t end,
                   std::vector<std::int32_t>& sums) const;

    std::vector<NibbleBlock> parts_;
};

}  // namespace splinecode

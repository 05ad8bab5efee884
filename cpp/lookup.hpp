#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "code_rows.hpp"
#include "parallel.hpp"
#include "simd.hpp"

/// Distances of blocks of queries to tiles of rows by look-up tables: the engine of every search
/// and matrix. kernels/lookup_body.hpp has the method.
namespace splinecode {

/// Distances of `rows` rows, the first of which is `first_row`, to a block of queries. 16 bits hold
/// the distances of codes of up to lookup::most_bits bits, 32 those of wider ones.
template <class Distance>
struct DistanceTile {
    const Distance* distances;
    std::int64_t first_row;
    std::size_t rows;
    std::size_t queries;

    const Distance* row(std::size_t i) const { return distances + i * lookup::block; }
};

/// Up to lookup::block queries, turned so that a chunk of bit positions can be made into tables.
class LookupBlock {
public:
    /// Rows [begin, end) of `queries`. O(rows * words).
    LookupBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end);

    std::size_t queries() const { return queries_; }
    std::int64_t words() const { return words_; }
    const std::uint64_t* chunk(std::size_t i) const {
        return columns_.data() + i * 2 * lookup::chunk_bits;
    }

private:
    std::size_t queries_;
    std::int64_t words_;
    std::vector<std::uint64_t> columns_;
};

/// Rows of a set of codes: `first + ids[i]`, or `first + i` without ids.
struct RowList {
    std::int64_t first;
    std::size_t count;
    const std::uint32_t* ids = nullptr;

    const std::uint64_t* of(const CodeRows& rows, std::size_t i) const {
        return rows.row(first + static_cast<std::int64_t>(ids ? ids[i] : i));
    }
};

/// What one thread needs to compute tiles of codes of up to lookup::most_bits bits.
class LookupTables {
public:
    LookupTables();

    /// Rows of a tile: as many as keep its sums in the second cache.
    static std::int64_t tile_rows();

    /// Distances of rows [begin, end) to the block, at most tile_rows(); valid until the next call.
    DistanceTile<std::uint16_t> tile(const LookupBlock& block, const CodeRows& rows,
                                     std::int64_t begin, std::int64_t end);

    /// Distances within the chunks [begin, end) of the code alone, of up to tile_rows() rows; added
    /// to those that the last call left, row by row, unless begin is 0.
    void add(const LookupBlock& block, const CodeRows& rows, const RowList& list, std::size_t begin,
             std::size_t end);
    /// Moves the distances of row ids[i] to row i; ids rise.
    void keep(const std::vector<std::uint32_t>& ids);
    DistanceTile<std::uint16_t> sums(const LookupBlock& block, std::int64_t first,
                                     std::size_t rows) const;

private:
    /// Takes the bits of the chunks [begin, end), at most chunks_together, out of the rows.
    void take_bits(const CodeRows& rows, const RowList& list, std::int64_t words, std::size_t begin,
                   std::size_t end);

    struct alignas(64) Line {
        std::uint8_t bytes[64];
    };
    const Kernels& kernel_ = kernels();
    std::vector<Line> tables_, running_, distances_;
    std::vector<std::uint64_t> bits_;
};

/// Where the tables of a level hold a query, so that settled distances come out in the order of the
/// queries: in which byte of an entry, and in its low (0) or high (1) four bits.
struct LookupPlace {
    std::size_t byte, nibble;
};
LookupPlace lookup_place(std::size_t query, std::size_t vector_bytes);

/// Chunks of lookup::chunk_bits bits that codes of so many words have.
std::size_t lookup_chunks(std::int64_t words);

/// The words of codes, cut where 16-bit distances could overflow: the whole of codes of up to
/// lookup::most_bits bits, else parts of 960 words (1,024 chunks).
std::vector<WordRange> lookup_parts(std::int64_t words);

/// A block of queries of any width.
class WideBlock {
public:
    WideBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end);

    /// Calls visit(DistanceTile<uint16_t or int32_t>) for the tiles of rows [begin, end) in order.
    template <class Visit>
    void for_each_tile(const CodeRows& rows, std::int64_t begin, std::int64_t end,
                       const Visit& visit) const {
        LookupTables tables;
        std::vector<std::int32_t> wide;
        for (std::int64_t row = begin; row < end; row += LookupTables::tile_rows()) {
            checkpoint();
            const std::int64_t stop = std::min(end, row + LookupTables::tile_rows());
            if (parts_.size() == 1) {
                visit(tables.tile(parts_.front(), rows, row, stop));
            } else {
                visit(wide_tile(tables, rows, row, stop, wide));
            }
        }
    }

private:
    DistanceTile<std::int32_t> wide_tile(LookupTables& tables, const CodeRows& rows,
                                         std::int64_t begin, std::int64_t end,
                                         std::vector<std::int32_t>& sums) const;

    std::vector<LookupBlock> parts_;
};

/// Per query of a block: a distance is wanted while it is below the query's limit.
template <class Distance>
struct Limits {
    /// Above every distance.
    static constexpr Distance open = std::is_same_v<Distance, std::uint16_t> ? 0xffff : 0x7fffffff;

    alignas(64) Distance below[lookup::block] = {};

    /// Sets the limit of a query, which may lie outside what Distance holds.
    void set(std::size_t query, std::int64_t limit) {
        below[query] = static_cast<Distance>(std::clamp<std::int64_t>(limit, 0, open));
    }
};

/// Calls hit(row, query, distance) for every distance below its query's limit, by row and query.
/// `hit` may change the limit of its query.
template <class Distance, class Hit>
void for_each_below(const DistanceTile<Distance>& tile, const Limits<Distance>& limits,
                    const Hit& hit) {
    if constexpr (std::is_same_v<Distance, std::uint16_t>) {
        const Kernels& kernel = kernels();
        std::uint64_t lanes[2];
        for (std::size_t row = 0;
             (row = kernel.next_below(tile.distances, row, tile.rows, limits.below, tile.queries,
                                      lanes)) < tile.rows;
             ++row) {
            for (std::size_t half = 0; half < 2; ++half) {
                for (std::uint64_t left = lanes[half]; left != 0; left &= left - 1) {
                    const auto bit = static_cast<std::size_t>(__builtin_ctzll(left));
                    const std::size_t query = 64 * half + bit;
                    hit(row, query, std::int32_t{tile.row(row)[query]});
                }
            }
        }
    } else {
        for (std::size_t row = 0; row < tile.rows; ++row) {
            for (std::size_t query = 0; query < tile.queries; ++query) {
                if (tile.row(row)[query] < limits.below[query]) {
                    hit(row, query, tile.row(row)[query]);
                }
            }
        }
    }
}

}  // namespace splinecode

#include "lookup.hpp"

#include <cstring>

#include "bit_transpose.hpp"
#include "cache.hpp"

namespace splinecode {
namespace {

/// Chunks whose bits are taken out of the rows together: 60 bytes of a row, about a cache line.
constexpr std::size_t chunks_together = 8;

/// Where the bits of a chunk lie in a code: 64 bits from a byte on, shifted.
struct ChunkPlace {
    std::size_t byte, shift;

    ChunkPlace(std::int64_t words, std::size_t chunk) {
        const std::size_t bit = chunk * lookup::chunk_bits;
        byte = std::min(bit / 8, 8 * static_cast<std::size_t>(words) - 8);
        shift = bit - 8 * byte;
    }
    std::uint64_t of(const std::uint64_t* code) const {
        std::uint64_t bits = 0;
        std::memcpy(&bits, reinterpret_cast<const char*>(code) + byte, sizeof bits);
        return bits >> shift;
    }
};

std::size_t triples_of(std::int64_t words, std::size_t chunk) {
    const std::size_t left = static_cast<std::size_t>(64 * words) - chunk * lookup::chunk_bits;
    return std::min(lookup::chunk_triples, (left + lookup::triple_bits - 1) / lookup::triple_bits);
}

}  // namespace

LookupPlace lookup_place(std::size_t query, std::size_t vector_bytes) {
    const std::size_t vector = query / (2 * vector_bytes);
    const std::size_t quarter = query % (2 * vector_bytes) / (vector_bytes / 2);
    const std::size_t half = query % (vector_bytes / 2);
    return {vector * vector_bytes + 2 * half + quarter % 2, quarter / 2};
}

std::size_t lookup_chunks(std::int64_t words) {
    const auto bits = static_cast<std::size_t>(64 * words);
    return (bits + lookup::chunk_bits - 1) / lookup::chunk_bits;
}

LookupBlock::LookupBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end)
    : queries_(static_cast<std::size_t>(end - begin)), words_(queries.words) {
    const std::size_t chunks = lookup_chunks(words_);
    const std::size_t vector_bytes = kernels().lookup_vector_bytes;
    columns_.resize(chunks * 2 * lookup::chunk_bits);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
        std::uint64_t turned[2][64] = {};
        const ChunkPlace bits(words_, chunk);
        for (std::size_t q = 0; q < queries_; ++q) {
            const LookupPlace place = lookup_place(q, vector_bytes);
            turned[place.nibble][place.byte] =
                bits.of(queries.row(begin + static_cast<std::int64_t>(q)));
        }
        transpose64(turned[0]);
        transpose64(turned[1]);
        std::uint64_t* const columns = columns_.data() + chunk * 2 * lookup::chunk_bits;
        for (std::size_t bit = 0; bit < lookup::chunk_bits; ++bit) {
            columns[2 * bit] = turned[0][bit];
            columns[2 * bit + 1] = turned[1][bit];
        }
    }
}

std::int64_t LookupTables::tile_rows() {
    constexpr std::int64_t row_bytes =
        lookup::running_bytes + 2 * lookup::block + 8 * chunks_together;
    return std::clamp<std::int64_t>(cache_bytes(2) / 2 / row_bytes / 64 * 64, 128, 1024);
}

LookupTables::LookupTables() {
    const auto rows = static_cast<std::size_t>(tile_rows());
    tables_.resize(lookup::chunk_bytes / sizeof(Line));
    running_.resize(rows * lookup::running_bytes / sizeof(Line));
    distances_.resize(rows * lookup::block * sizeof(std::uint16_t) / sizeof(Line));
    bits_.resize(chunks_together * rows);
}

void LookupTables::take_bits(const CodeRows& rows, const RowList& list, std::int64_t words,
                             std::size_t begin, std::size_t end) {
    constexpr std::size_t cached_rows = 64;  // their lines stay in the first cache
    const std::uint64_t* codes[cached_rows];
    for (std::size_t first = 0; first < list.count; first += cached_rows) {
        const std::size_t n = std::min(cached_rows, list.count - first);
        for (std::size_t i = 0; i < n; ++i) {
            codes[i] = list.of(rows, first + i);
        }
        for (std::size_t chunk = begin; chunk < end; ++chunk) {
            const ChunkPlace bits(words, chunk);
            std::uint64_t* const to = bits_.data() + (chunk - begin) * list.count + first;
            for (std::size_t i = 0; i < n; ++i) {
                to[i] = bits.of(codes[i]);
            }
        }
    }
}

void LookupTables::add(const LookupBlock& block, const CodeRows& rows, const RowList& list,
                       std::size_t begin, std::size_t end) {
    LookupChunk step{};
    step.tables = tables_.front().bytes;
    step.rows = list.count;
    step.queries = block.queries();
    step.running = running_.front().bytes;
    step.distances = reinterpret_cast<std::uint16_t*>(distances_.front().bytes);
    if (end == 0) {
        std::fill_n(step.distances, list.count * lookup::block, std::uint16_t{0});
    }
    for (std::size_t chunk = begin; chunk < end; ++chunk) {
        const std::size_t done = chunk - begin;
        if (done % chunks_together == 0) {
            take_bits(rows, list, block.words(), chunk, std::min(chunk + chunks_together, end));
        }
        step.triples = triples_of(block.words(), chunk);
        kernel_.build_tables(block.chunk(chunk), step.triples * lookup::groups_per_triple,
                             step.queries, tables_.front().bytes);
        step.bits = bits_.data() + done % chunks_together * list.count;
        step.first = done % lookup::chunks_per_settling == 0;
        step.last = chunk + 1 == end || (done + 1) % lookup::chunks_per_settling == 0;
        step.add = chunk >= lookup::chunks_per_settling || begin > 0;
        kernel_.add_lookups(step);
    }
}

void LookupTables::keep(const std::vector<std::uint32_t>& ids) {
    auto* const distances = reinterpret_cast<std::uint16_t*>(distances_.front().bytes);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] != i) {
            std::copy_n(distances + ids[i] * lookup::block, lookup::block,
                        distances + i * lookup::block);
        }
    }
}

DistanceTile<std::uint16_t> LookupTables::sums(const LookupBlock& block, std::int64_t first,
                                               std::size_t rows) const {
    return {reinterpret_cast<const std::uint16_t*>(distances_.front().bytes), first, rows,
            block.queries()};
}

DistanceTile<std::uint16_t> LookupTables::tile(const LookupBlock& block, const CodeRows& rows,
                                               std::int64_t begin, std::int64_t end) {
    const auto n = static_cast<std::size_t>(end - begin);
    add(block, rows, {begin, n}, 0, lookup_chunks(block.words()));
    return sums(block, begin, n);
}

std::vector<WordRange> lookup_parts(std::int64_t words) {
    constexpr std::int64_t part_words = 960;
    if (static_cast<std::size_t>(64 * words) <= lookup::most_bits) {
        return {{0, words}};
    }
    std::vector<WordRange> parts;
    for (std::int64_t word = 0; word < words; word += part_words) {
        parts.push_back({word, std::min(words, word + part_words)});
    }
    return parts;
}

WideBlock::WideBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end) {
    for (const WordRange& part : lookup_parts(queries.words)) {
        parts_.emplace_back(queries.columns(part.begin, part.end), begin, end);
    }
}

DistanceTile<std::int32_t> WideBlock::wide_tile(LookupTables& tables, const CodeRows& rows,
                                                std::int64_t begin, std::int64_t end,
                                                std::vector<std::int32_t>& sums) const {
    const auto n = static_cast<std::size_t>(end - begin);
    sums.assign(n * lookup::block, 0);
    std::int64_t word = 0;
    for (const LookupBlock& part : parts_) {
        const CodeRows slice = rows.columns(word, word + part.words());
        const DistanceTile<std::uint16_t> tile = tables.tile(part, slice, begin, end);
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += tile.distances[i];
        }
        word += part.words();
    }
    return {sums.data(), begin, n, parts_.front().queries()};
}

}  // namespace splinecode

#pragma once

#include <stddef.h>
#include <stdint.h>

/// The shape of the look-up tables, the same at every instruction-set level; lookup_body.hpp has
/// the method.
namespace splinecode {

namespace lookup {

/// Queries of a block: two a byte, one cache line a table entry.
constexpr size_t block = 128;
constexpr size_t entry_bytes = block / 2;
/// Bit positions of a table: three partial distances of at most 5 fill four bits.
constexpr size_t group_bits = 5;
constexpr size_t patterns = size_t{1} << group_bits;
constexpr size_t table_bytes = patterns * entry_bytes;
constexpr size_t groups_per_triple = 3;
constexpr size_t triple_bits = groups_per_triple * group_bits;
/// A chunk's tables stay in the first cache (24 KiB of at least 32) while all rows of a tile pass,
/// and its bits of a row fit one word.
constexpr size_t chunk_triples = 4;
constexpr size_t chunk_groups = chunk_triples * groups_per_triple;
constexpr size_t chunk_bits = chunk_triples * triple_bits;
constexpr size_t chunk_bytes = chunk_groups * table_bytes;
/// Chunks between two widenings: 240 bits are at most 255 differences, which a byte can tell.
constexpr size_t chunks_per_settling = 255 / chunk_bits;
/// Running sums of a row: two bytes for two queries.
constexpr size_t running_bytes = 2 * entry_bytes;
/// Bits that 16-bit distances can hold with a limit above every distance.
constexpr size_t most_bits = 65'535 - 1;

}  // namespace lookup

/// One chunk of bit positions: a block of queries, as tables, against `rows` rows.
struct LookupChunk {
    const uint8_t* tables;
    const uint64_t* bits;  // of each row: the chunk's bits, lowest first
    size_t rows;
    size_t queries;
    size_t triples;  // of tables in use; chunk_triples unless `last`
    bool first;      // starts running sums
    bool last;       // settles them into distances
    bool add;        // to the distances there, instead of writing them
    uint8_t* running;
    uint16_t* distances;  // distances[row * block + query]
};

/// Distances within the first bits of codes, and what bounds the distances within the rest: those
/// to a centre, of the queries and of the rows.
struct BoundedTile {
    const uint16_t* distances;  // distances[row * block + query]
    size_t rows;
    size_t queries;
    const uint16_t* query_rest;  // query_rest[cluster * block + query]
    const uint16_t* row_cluster;
    const uint16_t* row_rest;
};

}  // namespace splinecode

#pragma once

// Hamming distances by look-up tables, over the bytes of a level: one block of queries against many
// rows (the method of four Russians).
//
// For each group of five bit positions a table holds, for every one of the 32 patterns a row may
// show there, the partial distances (0 to 5) to all queries of the block, two queries a byte. A row
// is then an index into each group's table: three groups sum to at most 15 and still fit their four
// bits. Sums of such bytes are kept modulo 256 twice, as they are and shifted right by four bits,
// from which the totals of both queries of a byte follow at the end: three instructions per vector
// and 15 bits instead of five.
//
// Floor: three vector loads for 15 bits of 2 * sizeof(Bytes) queries: on AVX2 at two loads a cycle
// 80 bytes of code bits a cycle.

#include "lookup_shape.hpp"

namespace splinecode::SPLINECODE_LEVEL {

/// Queries in a vector of the tables.
constexpr size_t vector_queries = 2 * sizeof(Bytes);

inline size_t vectors_for(size_t queries) {
    return (queries + vector_queries - 1) / vector_queries;
}

/// The table of one group for one vector of queries: entry p is the sum of `none`, the partial
/// distances to the pattern of no bits, and of change[b] for each bit b of p.
inline void build_table(Bytes none, const Bytes (&change)[lookup::group_bits], uint8_t* table) {
    const auto put = [&](size_t pattern, Bytes distances) {
        store_bytes(table + pattern * lookup::entry_bytes, distances);
    };
    for (size_t low = 0; low < 4; ++low) {
        Bytes start = none;
        start = low & 1 ? add_bytes(start, change[0]) : start;
        start = low & 2 ? add_bytes(start, change[1]) : start;
        for (size_t high = 0; high < lookup::patterns; high += 16) {
            const Bytes a = high ? add_bytes(start, change[4]) : start;
            const Bytes b = add_bytes(a, change[2]);
            put(high + low, a);
            put(high + 4 + low, b);
            put(high + 8 + low, add_bytes(a, change[3]));
            put(high + 12 + low, add_bytes(b, change[3]));
        }
    }
}

/// Tables of one chunk. columns[2 * b + nibble] holds bit b of the queries of that nibble.
inline void build_tables(const uint64_t* columns, size_t groups, size_t queries, uint8_t* tables) {
    const Bytes both = splat_bytes(0x11);
    for (size_t v = 0; v < vectors_for(queries); ++v) {
        const size_t shift = v * sizeof(Bytes);
        for (size_t g = 0; g < groups; ++g) {
            Bytes change[lookup::group_bits];
            Bytes none = splat_bytes(0);
            for (size_t b = 0; b < lookup::group_bits; ++b) {
                const uint64_t* const column = columns + 2 * (g * lookup::group_bits + b);
                const Bytes low = spread_bits(column[0] >> shift);
                const Bytes high = shift_halves_left<4>(spread_bits(column[1] >> shift));
                const Bytes set = or_bytes(low, high);
                none = add_bytes(none, set);
                change[b] = subtract_bytes(both, add_bytes(set, set));
            }
            build_table(none, change, tables + shift + g * lookup::table_bytes);
        }
    }
}

/// Running sums of one vector, both modulo 256 in each byte: of the bytes, and of the halves
/// shifted right by four bits.
struct Running {
    Bytes sum, shifted;
};

[[gnu::always_inline]] inline void add_to(Running& running, Bytes fifteen_bits) {
    running.sum = add_bytes(running.sum, fifteen_bits);
    running.shifted = add_bytes(running.shifted, shift_halves_right<4>(fifteen_bits));
}

/// The entry of group G for a row's bits.
template <int G>
const uint8_t* entry(const uint8_t* tables, uint64_t bits) {
    constexpr int at = lookup::group_bits * G;
    constexpr int scale = 6;  // log2 of entry_bytes
    constexpr uint64_t mask = (lookup::patterns - 1) << scale;
    if constexpr (at < scale) {
        return tables + G * lookup::table_bytes + (bits << (scale - at) & mask);
    } else {
        return tables + G * lookup::table_bytes + (bits >> (at - scale) & mask);
    }
}

template <int Triple, bool Two>
[[gnu::always_inline]] inline void add_triple(const uint8_t* tables, uint64_t bits, Running& first,
                                              Running& second) {
    const uint8_t* const a = entry<3 * Triple>(tables, bits);
    const uint8_t* const b = entry<3 * Triple + 1>(tables, bits);
    const uint8_t* const c = entry<3 * Triple + 2>(tables, bits);
    add_to(first, add_bytes(add_bytes(load_bytes(a), load_bytes(b)), load_bytes(c)));
    if constexpr (Two) {
        constexpr size_t next = sizeof(Bytes);
        add_to(second, add_bytes(add_bytes(load_bytes(a + next), load_bytes(b + next)),
                                 load_bytes(c + next)));
    }
}

/// The totals of the low and high nibbles of the even (0) and odd (1) bytes, all at most 255.
struct Totals {
    Bytes l0, l1, h0, h1;
};

[[gnu::always_inline]] inline Totals totals_of(const Running& running) {
    // sum = {l0 + 16 h0, l1 + 16 h1} and shifted = {h0 + 16 l1, h1}, modulo 256.
    const Bytes even = splat_halves(0xff);
    const Bytes h1 = shift_halves_right<8>(running.shifted);
    const Bytes l1 = and_bytes(
        subtract_halves(shift_halves_right<8>(running.sum), shift_halves_left<4>(h1)), even);
    const Bytes h0 = and_bytes(subtract_halves(running.shifted, shift_halves_left<4>(l1)), even);
    const Bytes l0 = and_bytes(subtract_halves(running.sum, shift_halves_left<4>(h0)), even);
    return {l0, l1, h0, h1};
}

/// The totals of one vector's queries, written or added as 16-bit counts.
template <bool Add>
[[gnu::always_inline]] inline void settle(const Running& running, uint16_t* distances) {
    const Totals totals = totals_of(running);
    const auto put = [](uint16_t* to, Bytes counts) __attribute__((always_inline)) {
        store_bytes(to, Add ? add_halves(counts, load_bytes(to)) : counts);
    };
    constexpr size_t halves = sizeof(Bytes) / 2;
    put(distances, totals.l0);
    put(distances + halves, totals.l1);
    put(distances + 2 * halves, totals.h0);
    put(distances + 3 * halves, totals.h1);
}

/// One chunk of all rows for one vector of queries, or for two.
template <int Triples, bool First, bool Last, bool Add, bool Two>
inline void add_chunk(const LookupChunk& chunk, size_t vector) {
    const uint8_t* const tables = chunk.tables + vector * sizeof(Bytes);
    const auto nothing = Running{splat_bytes(0), splat_bytes(0)};
    for (size_t row = 0; row < chunk.rows; ++row) {
        const uint64_t bits = chunk.bits[row];
        uint8_t* const kept =
            chunk.running + row * lookup::running_bytes + 2 * vector * sizeof(Bytes);
        Running first = nothing;
        Running second = nothing;
        if constexpr (!First) {
            first = {load_bytes(kept), load_bytes(kept + sizeof(Bytes))};
            if constexpr (Two) {
                second = {load_bytes(kept + 2 * sizeof(Bytes)),
                          load_bytes(kept + 3 * sizeof(Bytes))};
            }
        }
        add_triple<0, Two>(tables, bits, first, second);
        if constexpr (Triples > 1) add_triple<1, Two>(tables, bits, first, second);
        if constexpr (Triples > 2) add_triple<2, Two>(tables, bits, first, second);
        if constexpr (Triples > 3) add_triple<3, Two>(tables, bits, first, second);
        if constexpr (Last) {
            uint16_t* const to = chunk.distances + row * lookup::block + vector * vector_queries;
            settle<Add>(first, to);
            if constexpr (Two) {
                settle<Add>(second, to + vector_queries);
            }
        } else {
            store_bytes(kept, first.sum);
            store_bytes(kept + sizeof(Bytes), first.shifted);
            if constexpr (Two) {
                store_bytes(kept + 2 * sizeof(Bytes), second.sum);
                store_bytes(kept + 3 * sizeof(Bytes), second.shifted);
            }
        }
    }
}

template <int Triples, bool First, bool Last, bool Add>
inline void add_chunk(const LookupChunk& chunk) {
    const size_t vectors = vectors_for(chunk.queries);
    size_t vector = 0;
    for (; vector + 2 <= vectors; vector += 2) {
        add_chunk<Triples, First, Last, Add, true>(chunk, vector);
    }
    if (vector < vectors) {
        add_chunk<Triples, First, Last, Add, false>(chunk, vector);
    }
}

template <int Triples>
inline void add_last_chunk(const LookupChunk& chunk) {
    if (chunk.first) {
        chunk.add ? add_chunk<Triples, true, true, true>(chunk)
                  : add_chunk<Triples, true, true, false>(chunk);
    } else {
        chunk.add ? add_chunk<Triples, false, true, true>(chunk)
                  : add_chunk<Triples, false, true, false>(chunk);
    }
}

inline void add_lookups(const LookupChunk& chunk) {
    if (!chunk.last) {
        chunk.first ? add_chunk<4, true, false, false>(chunk)
                    : add_chunk<4, false, false, false>(chunk);
        return;
    }
    switch (chunk.triples) {
        case 1: return add_last_chunk<1>(chunk);
        case 2: return add_last_chunk<2>(chunk);
        case 3: return add_last_chunk<3>(chunk);
        default: return add_last_chunk<4>(chunk);
    }
}

/// The first row in [begin, end) for which below(row, i), of the i-th halves of its distances, is
/// nonzero somewhere in `steps` vectors, or end; `lanes` then gets the bits of those queries.
template <class Below>
[[gnu::always_inline]] inline size_t next_row(size_t begin, size_t end, size_t steps,
                                              uint64_t* lanes, const Below& below) {
    constexpr size_t halves = sizeof(Bytes) / 2;
    for (size_t row = begin; row < end; ++row) {
        Bytes found = splat_bytes(0);
        for (size_t i = 0; i < steps; ++i) {
            found = or_bytes(found, below(row, i * halves));
        }
        if (any_byte(found)) {
            lanes[0] = lanes[1] = 0;
            for (size_t i = 0; i < steps; ++i) {
                const uint64_t bits = nonzero_halves(below(row, i * halves));
                lanes[i * halves / 64] |= bits << (i * halves % 64);
            }
            return row;
        }
    }
    return end;
}

/// The same for a number of queries; the loop over a whole block is unrolled, with the limits in
/// registers.
template <class Below>
inline size_t next_row_of(size_t begin, size_t end, size_t queries, uint64_t* lanes,
                          const Below& below) {
    constexpr size_t halves = sizeof(Bytes) / 2;
    constexpr size_t whole = lookup::block / halves;
    const size_t steps = (queries + halves - 1) / halves;
    return steps == whole ? next_row(begin, end, whole, lanes, below)
                          : next_row(begin, end, steps, lanes, below);
}

inline size_t next_below(const uint16_t* distances, size_t begin, size_t end,
                         const uint16_t* limits, size_t queries, uint64_t* lanes) {
    return next_row_of(begin, end, queries, lanes, [&](size_t row, size_t i) {
        return below_halves(load_bytes(distances + row * lookup::block + i),
                            load_bytes(limits + i));
    });
}

inline size_t next_bounded(const BoundedTile& tile, size_t begin, const uint16_t* limits,
                           uint64_t* lanes) {
    return next_row_of(begin, tile.rows, tile.queries, lanes, [&](size_t row, size_t i) {
        const Bytes query_rest =
            load_bytes(tile.query_rest + tile.row_cluster[row] * lookup::block + i);
        const Bytes rest = difference_halves(query_rest, splat_halves(tile.row_rest[row]));
        const Bytes head = load_bytes(tile.distances + row * lookup::block + i);
        return below_halves(add_halves(head, rest), load_bytes(limits + i));
    });
}

/// counts[q] += rows whose distance is below query q's limit. At most 65,535 rows.
inline void count_below(const uint16_t* distances, size_t rows, const uint16_t* limits,
                        size_t queries, uint16_t* counts) {
    constexpr size_t halves = sizeof(Bytes) / 2;
    constexpr size_t cached_rows = 64;  // 16 KiB, read once a vector
    for (size_t begin = 0; begin < rows; begin += cached_rows) {
        const size_t end = begin + cached_rows < rows ? begin + cached_rows : rows;
        for (size_t i = 0; i < queries; i += halves) {
            const Bytes limit = load_bytes(limits + i);
            Bytes count = load_bytes(counts + i);
            for (size_t row = begin; row < end; ++row) {
                const Bytes distance = load_bytes(distances + row * lookup::block + i);
                count = add_halves(count, one_if_nonzero(below_halves(distance, limit)));
            }
            store_bytes(counts + i, count);
        }
    }
}

}  // namespace splinecode::SPLINECODE_LEVEL

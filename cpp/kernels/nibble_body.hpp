#pragma once

// Hamming distances of a few queries to many rows by byte shuffles, over the bytes of a level.
//
// Rows are turned in groups, so that a vector holds one nibble of many rows, and a shuffle looks up
// their 16 patterns in a register: the partial distances (0 to 4) to a pair of queries, one in each
// half of a byte. Three look-ups sum to at most 12 and still fit their four bits; longer sums are
// Running ones (lookup_body.hpp). What is turned serves all pairs of queries.
//
// Floor: three shuffles, one shift and four additions for 12 bits of sizeof(Bytes) rows and two
// queries. On AVX2 with two shuffles or shifts of four instructions a cycle, 48 bytes of code bits
// a cycle, and 13 bytes a cycle of rows turned.

#include "lookup_body.hpp"
#include "nibble_shape.hpp"

namespace splinecode::SPLINECODE_LEVEL {

constexpr nibbles::Layout nibble_layout{sizeof(Bytes) / sizeof(uint64_t)};
constexpr size_t lane_bytes = sizeof(Bytes) / nibble_layout.lanes();

/// One round of a perfect shuffle of the bytes of each lane of N vectors.
template <size_t N>
struct Turned {
    Bytes at[N];
};
template <size_t N>
[[gnu::always_inline]] inline Turned<N> interleave(const Turned<N>& from) {
    Turned<N> to;
#pragma GCC unroll 8
    for (size_t i = 0; i < N / 2; ++i) {
        to.at[2 * i] = interleave_low(from.at[i], from.at[i + N / 2]);
        to.at[2 * i + 1] = interleave_high(from.at[i], from.at[i + N / 2]);
    }
    return to;
}

/// Vectors of lane_bytes / 2 rows; vector i then holds bytes 2i and 2i + 1 of each row's lanes.
[[gnu::always_inline]] inline Turned<lane_bytes / 2> turn_half(const uint8_t* rows,
                                                               ptrdiff_t stride) {
    Turned<lane_bytes / 2> half;
#pragma GCC unroll 8
    for (size_t i = 0; i < lane_bytes / 2; ++i) {
        half.at[i] = load_bytes(rows + static_cast<ptrdiff_t>(i) * stride);
    }
    half = interleave(interleave(half));
    if constexpr (lane_bytes == 16) {
        half = interleave(half);
    }
    return half;
}

/// Writes the nibbles of a byte of lane_bytes rows: the lower ones, then the higher ones.
[[gnu::always_inline]] inline void store_nibbles(uint8_t* to, Bytes bytes) {
    store_bytes(to, and_bytes(bytes, splat_bytes(0x0f)));
    store_bytes(to + nibble_layout.row_bytes(),
                and_bytes(shift_halves_right<4>(bytes), splat_bytes(0x0f)));
}

/// One vector of each of lane_bytes rows, `used` bytes of each lane. Byte 2i of a lane is of row i,
/// byte 2i + 1 of row lane_bytes / 2 + i, so that settled distances come out in order.
[[gnu::always_inline]] inline void turn_square(const uint8_t* rows, ptrdiff_t stride, size_t used,
                                               uint8_t* to) {
    const auto first = turn_half(rows, stride);
    const auto second = turn_half(rows + static_cast<ptrdiff_t>(lane_bytes / 2) * stride, stride);
#pragma GCC unroll 8
    for (size_t i = 0; i < lane_bytes / 2; ++i) {
        if (2 * i < used) {
            uint8_t* const at = to + 4 * i * nibble_layout.row_bytes();
            store_nibbles(at, interleave_low(first.at[i], second.at[i]));
            store_nibbles(at + 2 * nibble_layout.row_bytes(),
                          interleave_high(first.at[i], second.at[i]));
        }
    }
}

/// The words of a last vector that they do not fill, spread over its lanes.
inline void turn_last(const uint64_t* rows, ptrdiff_t stride, size_t words, uint8_t* to) {
    uint64_t spread[lane_bytes][nibble_layout.vector_words] = {};
    for (size_t row = 0; row < lane_bytes; ++row) {
        for (size_t word = 0; word < words; ++word) {
            const auto place = nibble_layout.place(word, words);
            spread[row]
                  [place.lane * nibble_layout.lane_words() + place.step / nibbles::steps_per_word] =
                      rows[static_cast<ptrdiff_t>(row) * stride + static_cast<ptrdiff_t>(word)];
        }
    }
    turn_square(reinterpret_cast<const uint8_t*>(spread), sizeof(Bytes),
                8 * nibble_layout.words_in_lane(words), to);
}

/// A group of rows, step by step.
inline void turn_nibbles(const uint64_t* rows, ptrdiff_t stride, size_t words, uint8_t* to) {
    constexpr size_t vector_words = nibble_layout.vector_words;
    for (size_t part = 0; part < nibbles::group / lane_bytes; ++part) {
        uint8_t* const column = to + part * sizeof(Bytes);
        const uint64_t* const first = rows + static_cast<ptrdiff_t>(part * lane_bytes) * stride;
        size_t word = 0;
        for (; word + vector_words <= words; word += vector_words) {
            turn_square(reinterpret_cast<const uint8_t*>(first + word), 8 * stride, lane_bytes,
                        column + nibble_layout.steps(word) * nibble_layout.row_bytes());
        }
        if (word < words) {
            turn_last(first + word, stride, words - word,
                      column + nibble_layout.steps(word) * nibble_layout.row_bytes());
        }
    }
}

/// The totals of lane_bytes rows for both queries, written or added as 16-bit counts.
template <bool Add>
[[gnu::always_inline]] inline void settle_rows(const Running& running, uint16_t* first,
                                               uint16_t* second) {
    const Totals totals = totals_of(running);
    put_lanes<Add>(first, totals.l0, totals.l1);
    put_lanes<Add>(second, totals.h0, totals.h1);
}

/// Four vectors of rows, at most nibbles::most_steps steps, for a pair of queries.
template <bool Add>
[[gnu::always_inline]] inline void add_four(const uint8_t* tables, const uint8_t* rows,
                                            size_t steps, uint16_t* first, uint16_t* second) {
    constexpr size_t table = nibble_layout.table_bytes();
    constexpr size_t step_bytes = nibble_layout.row_bytes();
    Running a{splat_bytes(0), splat_bytes(0)};
    Running b = a;
    Running c = a;
    Running d = a;
    size_t step = 0;
    for (; step + 3 <= steps; step += 3) {
        const Table x = load_table(tables + step * table);
        const Table y = load_table(tables + (step + 1) * table);
        const Table z = load_table(tables + (step + 2) * table);
        const uint8_t* const from = rows + step * step_bytes;
        const auto three = [&](size_t vector) __attribute__((always_inline)) {
            const uint8_t* const at = from + vector * sizeof(Bytes);
            return add_bytes(add_bytes(pick_bytes(x, load_bytes(at)),
                                       pick_bytes(y, load_bytes(at + step_bytes))),
                             pick_bytes(z, load_bytes(at + 2 * step_bytes)));
        };
        add_to(a, three(0));
        add_to(b, three(1));
        add_to(c, three(2));
        add_to(d, three(3));
    }
    for (; step < steps; ++step) {
        const Table x = load_table(tables + step * table);
        const auto one = [&](size_t vector) __attribute__((always_inline)) {
            return pick_bytes(x, load_bytes(rows + step * step_bytes + vector * sizeof(Bytes)));
        };
        add_to(a, one(0));
        add_to(b, one(1));
        add_to(c, one(2));
        add_to(d, one(3));
    }
    settle_rows<Add>(a, first, second);
    settle_rows<Add>(b, first + lane_bytes, second + lane_bytes);
    settle_rows<Add>(c, first + 2 * lane_bytes, second + 2 * lane_bytes);
    settle_rows<Add>(d, first + 3 * lane_bytes, second + 3 * lane_bytes);
}

inline void add_nibbles(const uint8_t* tables, const uint8_t* rows, size_t steps, bool add,
                        uint16_t* first, uint16_t* second) {
    constexpr size_t together = 4 * lane_bytes;
    for (size_t row = 0; row < nibbles::group; row += together) {
        const uint8_t* const from = rows + row * nibble_layout.lanes();
        add ? add_four<true>(tables, from, steps, first + row, second + row)
            : add_four<false>(tables, from, steps, first + row, second + row);
    }
}

/// Chunks of 64 are tested whole, which compilers turn into vector compares at every level.
inline size_t find_below(const uint16_t* values, size_t begin, size_t n, uint16_t limit) {
    size_t i = begin;
    for (; i + 64 <= n; i += 64) {
        uint16_t least = 0xffff;
        for (size_t j = 0; j < 64; ++j) {
            least = values[i + j] < least ? values[i + j] : least;
        }
        if (least < limit) {
            break;
        }
    }
    while (i < n && values[i] >= limit) {
        ++i;
    }
    return i;
}

}  // namespace splinecode::SPLINECODE_LEVEL

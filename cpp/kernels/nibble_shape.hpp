#pragma once

#include <stddef.h>
#include <stdint.h>

/// The shape of the nibble tables; nibble_body.hpp has the method.
namespace splinecode::nibbles {

/// Rows turned and compared together.
constexpr size_t group = 64;
/// Steps between two settlings: 63 nibbles are at most 252 differences, which a byte can tell.
constexpr size_t most_steps = 63;
constexpr size_t steps_per_word = 16;
/// Patterns of a nibble, and so the bytes of a table.
constexpr size_t patterns = 16;

/// How a level spreads a code: each step looks at one nibble of every lane, a lane being up to 16
/// bytes of a vector. The words of a code fill the vectors one after the other, those of the last
/// one spread over the lanes.
struct Layout {
    size_t vector_words;

    constexpr size_t lanes() const { return vector_words > 1 ? vector_words / 2 : 1; }
    constexpr size_t lane_words() const { return vector_words / lanes(); }
    /// Bytes of a step: of a group of rows, and of the tables of a pair of queries.
    constexpr size_t row_bytes() const { return group * lanes(); }
    constexpr size_t table_bytes() const { return patterns * lanes(); }
    /// Words of a lane that a vector with `words` of its words in use fills.
    constexpr size_t words_in_lane(size_t words) const { return (words + lanes() - 1) / lanes(); }
    constexpr size_t steps(size_t words) const {
        return steps_per_word *
               (words / vector_words * lane_words() + words_in_lane(words % vector_words));
    }

    struct Place {
        size_t step, lane;
    };
    /// Where a code of `words` words has the first nibble of a word; the others follow.
    constexpr Place place(size_t word, size_t words) const {
        const size_t first = word / vector_words * vector_words;
        const size_t left = words - first;
        const size_t in_lane = left < vector_words ? words_in_lane(left) : lane_words();
        return {steps(first) + steps_per_word * ((word - first) % in_lane),
                (word - first) / in_lane};
    }
};

}  // namespace splinecode::nibbles

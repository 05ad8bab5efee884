#pragma once

#include <cstdint>

#include "geometry.hpp"
#include "strided.hpp"

/// Rows in groups of any sizes, reduced in chunks of one size. Plain arithmetic, so the CPU tests
/// run it.
namespace splinecode::cuda {

/// The group that holds `row`: group g is rows [offsets[g], offsets[g + 1]), and offsets go from 0
/// to more than `row`. O(log groups).
SPLINECODE_HOST_DEVICE constexpr std::int64_t group_of(const std::int64_t* offsets,
                                                       std::int64_t groups, std::int64_t row) {
    std::int64_t low = 0;
    std::int64_t high = groups;
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        if (offsets[middle] <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/// The next group that is not empty, for 0 <= group whose end `row` is not the last row's.
SPLINECODE_HOST_DEVICE constexpr std::int64_t group_after(const std::int64_t* offsets,
                                                          std::int64_t groups, std::int64_t group,
                                                          std::int64_t row) {
    return offsets[group + 2] > row ? group + 1 : group_of(offsets, groups, row);
}

/// Whether rows [begin, end) lie in one chunk.
SPLINECODE_HOST_DEVICE constexpr bool in_one_chunk(std::int64_t begin, std::int64_t end,
                                                   std::int64_t chunk_rows) {
    return begin / chunk_rows == (end - 1) / chunk_rows;
}

/// Rows of a chunk, each reduced by one thread a word: enough chunks to fill a GPU, and no more.
constexpr std::int64_t chunk_rows_for(std::int64_t rows, std::int64_t words) {
    constexpr std::int64_t threads = 1 << 18;
    constexpr std::int64_t least = 16;
    constexpr std::int64_t most = 1024;
    const std::int64_t wanted = ceil_div(rows, ceil_div(threads, words > 0 ? words : 1));
    return wanted < least ? least : (wanted > most ? most : wanted);
}

}  // namespace splinecode::cuda

#pragma once

#include <cstdint>

#include "code_rows.hpp"
#include "select.hpp"
#include "strided.hpp"

/// The lexicographic order of codes by their words as unsigned integers. Plain arithmetic, so the
/// CPU tests run it.
namespace splinecode::cuda {

/// Less than, equal to or greater than 0 as a is before, equal to or after b.
SPLINECODE_HOST_DEVICE inline int compare_words(const std::uint64_t* a, const std::uint64_t* b,
                                                std::int64_t words) {
    for (std::int64_t word = 0; word < words; ++word) {
        if (a[word] != b[word]) {
            return a[word] < b[word] ? -1 : 1;
        }
    }
    return 0;
}

/// A row and the first word of its code, which decides most comparisons without a look at the code.
struct KeyedRow {
    std::uint64_t first;
    std::int64_t row;
};

/// A total order: equal codes by their rows.
SPLINECODE_HOST_DEVICE inline bool comes_before(const CodeRows& codes, const KeyedRow& a,
                                                const KeyedRow& b) {
    if (a.first != b.first) {
        return a.first < b.first;
    }
    const int later =
        codes.words > 1 ? compare_words(codes.row(a.row) + 1, codes.row(b.row) + 1, codes.words - 1)
                        : 0;
    return later != 0 ? later < 0 : a.row < b.row;
}

/// The places of `order` are sorted; the first whose code is not before `code`, or codes.rows.
SPLINECODE_HOST_DEVICE inline std::int64_t first_not_before(const CodeRows& codes,
                                                            const std::int64_t* order,
                                                            const std::uint64_t* code) {
    std::int64_t low = 0;
    std::int64_t high = codes.rows;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (compare_words(codes.row(order[middle]), code, codes.words) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/// Pair `pair` of the step of a merge that compares entries `stride` apart; see mirror_pair.
SPLINECODE_HOST_DEVICE constexpr Pair step_pair(std::int64_t pair, std::int64_t size,
                                                std::int64_t stride) {
    return stride == size / 2 ? mirror_pair(pair, size) : stride_pair(pair, stride);
}

}  // namespace splinecode::cuda

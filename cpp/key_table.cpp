#include "key_table.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "parallel.hpp"

namespace splinecode {
namespace {

/// Rows between two polls for Ctrl-C.
constexpr std::int64_t polled_rows = 1 << 16;

/// One to two slots a row: most hold no other key, which branches then count on.
int slot_bits(std::int64_t rows) {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(rows)));
}

/// The first of sorted entries whose key is at least `least`: a few are tried in turn.
const std::uint64_t* first_from(const std::uint64_t* begin, const std::uint64_t* end,
                                std::uint64_t least) {
    constexpr int tried = 8;
    for (int i = 0; i < tried; ++i, ++begin) {
        if (begin == end || *begin >> 32 >= least) {
            return begin;
        }
    }
    return std::partition_point(begin, end,
                                [&](std::uint64_t entry) { return entry >> 32 < least; });
}

template <class Body>
void for_each_polled(std::int64_t n, const Body& body) {
    for (std::int64_t begin = 0; begin < n; begin += polled_rows) {
        checkpoint();
        for (std::int64_t i = begin; i < std::min(n, begin + polled_rows); ++i) {
            body(i);
        }
    }
}

}  // namespace

KeyTable::KeyTable(const Key* keys, std::int64_t rows, std::int64_t stride)
    : shift_(32 - slot_bits(rows)),
      begin_((std::size_t{1} << slot_bits(rows)) + 1, 0),
      entries_(static_cast<std::size_t>(rows)) {
    for_each_polled(rows, [&](std::int64_t row) { ++begin_[slot_of(keys[row * stride]) + 1]; });
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
    for_each_polled(rows, [&](std::int64_t row) {
        const Key key = keys[row * stride];
        entries_[next[slot_of(key)]++] =
            static_cast<std::uint64_t>(key) << 32 | static_cast<std::uint64_t>(row);
    });
    sort_slots();
}

/// The entries of a slot stand by row: those of a single key, however many, are sorted already.
void KeyTable::sort_slots() {
    for_each_polled(static_cast<std::int64_t>(begin_.size()) - 1, [&](std::int64_t slot) {
        const auto at = begin_.begin() + slot;
        const auto begin = entries_.begin() + at[0];
        const auto end = entries_.begin() + at[1];
        if (!std::is_sorted(begin, end)) {
            std::sort(begin, end);
        }
    });
}

std::span<const std::uint64_t> KeyTable::find(Key key) const {
    const std::size_t slot = slot_of(key);
    const std::uint64_t* const end = entries_.data() + begin_[slot + 1];
    const std::uint64_t* const first = first_from(entries_.data() + begin_[slot], end, key);
    return {first, first_from(first, end, std::uint64_t{key} + 1)};
}

}  // namespace splinecode

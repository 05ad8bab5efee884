#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace splinecode {

/// Rows by a 32-bit key, which should be a good hash: the top bits of a key say where its rows
/// stand. 12 to 16 bytes a row.
class KeyTable {
public:
    using Key = std::uint32_t;

    KeyTable() = default;
    /// Row i has the key keys[i * stride]. Needs fewer than 2^32 rows. O(rows); polls checkpoint().
    KeyTable(const Key* keys, std::int64_t rows, std::int64_t stride);

    /// The rows of a key, rising, each in the low 32 bits of an entry.
    std::span<const std::uint64_t> find(Key key) const;

    static std::int64_t row_of(std::uint64_t entry) {
        return static_cast<std::int64_t>(entry & 0xffffffffu);
    }

    std::int64_t bytes() const {
        return static_cast<std::int64_t>(4 * begin_.size() + 8 * entries_.size());
    }

private:
    std::size_t slot_of(Key key) const { return static_cast<std::size_t>(key) >> shift_; }
    void sort_slots();

    int shift_ = 32;                          // of a key, to its slot
    std::vector<std::uint32_t> begin_{0, 0};  // where the entries of a slot begin
    std::vector<std::uint64_t> entries_;      // key << 32 | row, sorted
};

}  // namespace splinecode

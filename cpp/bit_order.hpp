#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "parallel.hpp"

namespace splinecode {

/// The bits of a set of codes that vary, the most variable first: early words then tell codes apart
/// best. Bits that are the same in all codes are left out; against other codes they cost a
/// constant.
class BitOrder {
public:
    /// O(rows * words).
    BitOrder(const CodeRows& codes, const Interrupt& interrupt);

    /// Bits kept, and the words that they take.
    std::int64_t bits() const { return static_cast<std::int64_t>(bits_.size()); }
    std::int64_t words() const;
    /// Bits left out.
    std::int64_t constant_bits() const { return constant_bits_; }

    /// Deals the bits kept in turn to `parts` parts, which then follow one another: parts tell
    /// codes apart about equally well. The first bits() % parts of them get a bit more.
    void deal(std::int64_t parts);

    /// Writes the reordered codes, words() words each. O(rows * words).
    void apply(const CodeRows& codes, std::uint64_t* out, const Interrupt& interrupt) const;
    /// In how many of the bits left out a code differs from the codes of the set.
    std::int32_t constant_distance(const std::uint64_t* code) const;

private:
    std::int64_t code_words_;
    std::int64_t constant_bits_ = 0;
    std::vector<std::int64_t> bits_;                       // the bits kept, in their new order
    std::vector<std::uint64_t> constant_mask_, constant_;  // which bits are constant, and as what
};

}  // namespace splinecode

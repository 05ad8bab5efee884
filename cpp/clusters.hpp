#pragma once

#include <cstdint>
#include <vector>

#include "code_rows.hpp"
#include "lookup.hpp"
#include "parallel.hpp"

namespace splinecode {

/// The nearest centre of each row, its distance, and the part of that which lies beyond the first
/// chunks of the code. Distances of codes of up to lookup::most_bits bits.
struct Assignment {
    std::vector<std::uint16_t> cluster, distance, rest;

    /// The rows by (cluster, distance, row).
    std::vector<std::int64_t> sorted() const;
};

/// Codes in the middle of clusters of codes: their bitwise medians.
class Centers {
public:
    /// A round of k-medians from `count` evenly spaced rows: deterministic. Neighbouring centres
    /// are alike. O(rows * words * count) bit operations, by look-up.
    Centers(const CodeRows& codes, std::int64_t count, const Interrupt& interrupt);

    CodeRows rows() const;
    /// Ties go to the lowest centre. The rest is what lies beyond `head_chunks` chunks.
    Assignment assign(const CodeRows& codes, std::size_t head_chunks,
                      const Interrupt& interrupt) const;

private:
    void chain(const Interrupt& interrupt);

    std::int64_t words_, count_;
    std::vector<std::uint64_t> centers_;
};

}  // namespace splinecode

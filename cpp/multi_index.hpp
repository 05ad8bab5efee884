#pragma once

#include <cstdint>
#include <vector>

#include "bit_order.hpp"
#include "hamming.hpp"
#include "key_table.hpp"
#include "pruned_index.hpp"

/// Exact search within a small radius, without a look at most of the codes.
namespace splinecode {

/// A set of codes, hashed part by part (multi-index hashing; Norouzi, Punjani and Fleet 2012). The
/// bits that vary are dealt to radius + 1 parts: `radius` differences cannot lie in all of them, so
/// codes within the radius agree on some part. The candidates of a query are the codes that share
/// the hash of a part with it; each is compared once, whole. Answers are those of brute force, for
/// any codes; the time depends on how few codes share parts.
class MultiIndex {
public:
    /// Copies the codes. Throws std::invalid_argument for a negative radius, or one above 0 that
    /// leaves parts of fewer than `least_part_bits` bits; std::length_error for 2^32 codes or more;
    /// NotEnoughMemory. O(rows * words); 16 to 20 bytes a row and part beside the codes.
    MultiIndex(const CodeRows& codes, std::int32_t radius, const Interrupt& interrupt);

    /// As the functions of those names, against the codes of the index, as PrunedIndex has them:
    /// without `queries` these are the codes themselves. Throw std::invalid_argument for a radius
    /// beyond that of the index. stats.distances are the candidates.
    SearchStats count_within(const CodeRows* queries, std::int32_t radius, bool exclude_self,
                             std::int64_t* counts, const Interrupt& interrupt) const;
    SearchStats within_radius(const CodeRows* queries, std::int32_t radius, bool exclude_self,
                              NeighborLists& lists, const Interrupt& interrupt) const;

    std::int64_t rows() const { return codes_.rows; }
    std::int64_t words() const { return code_words_; }
    std::int32_t radius() const { return static_cast<std::int32_t>(parts_.size()) - 1; }
    std::int64_t bytes() const;

    static constexpr std::int64_t least_part_bits = 16;

private:
    using Key = KeyTable::Key;

    /// Bits [begin, end) of the reordered codes.
    struct Part {
        std::int64_t begin, end;
    };

    /// Codes in the index's order of bits, and the key of each of their parts.
    struct Keyed {
        std::vector<std::uint64_t> words;
        std::vector<Key> keys;
    };

    class Search;

    Keyed keyed(const CodeRows& codes, const char* what, const Interrupt& interrupt) const;
    void write_keys(const std::uint64_t* code, Key* keys) const;

    std::int64_t code_words_;
    BitOrder order_;
    std::vector<Part> parts_;
    Keyed keyed_;
    CodeRows codes_;  // of keyed_
    std::vector<KeyTable> tables_;
};

/// About how many candidates a query would have in an index of these codes (itself not counted
/// where `queries` is null, and the codes are asked about themselves), from a sample of both;
/// infinity where the sample cannot be indexed for this radius. On a Zen 3 core comparing a
/// candidate of 1,024 bits takes 40 to 80 ns, and looking up a part 50 to 150.
double sampled_candidates(const CodeRows* queries, const CodeRows& codes, std::int32_t radius,
                          const Interrupt& interrupt);

}  // namespace splinecode

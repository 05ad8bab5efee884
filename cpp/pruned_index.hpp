#pragma once

#include <cstdint>
#include <vector>

#include "bit_order.hpp"
#include "clusters.hpp"
#include "hamming.hpp"

/// Exact search that leaves out what cannot be near: real codes are structured.
namespace splinecode {

/// What a search did. All pairs of queries and rows are `pairs`.
struct SearchStats {
    std::int64_t pairs = 0;
    std::int64_t bounded_pairs = 0;  // ruled out unread, by the triangle inequality or by hashes
    std::int64_t distances = 0;      // computed to the end; the others were abandoned
    std::int64_t words = 0;          // pairs of words compared
    std::int64_t constant_bits = 0;  // bits of the codes that were not compared
};

/// A set of codes, reordered for search:
/// - bits that are the same in all codes are dropped, the others stand most variable first;
/// - codes are sorted by cluster (bitwise medians) and by their distance to its centre.
/// A code is skipped when the triangle inequality, through its centre, rules it out for every query
/// of a block. Else its first bits are compared; their distance, with the triangle inequality for
/// the rest of the bits, decides for which queries the rest is compared too. Answers are those of
/// brute force, ties included.
class PrunedIndex {
public:
    /// Copies the codes. Throws std::length_error if more than lookup::most_bits bits vary or there
    /// are 2^32 codes or more. O(rows * words), and up to 512 distances a row to find its cluster.
    PrunedIndex(const CodeRows& codes, const Interrupt& interrupt);

    /// As the functions of those names, against the codes of the index. `queries` may be null: then
    /// the queries are the codes themselves, and with exclude_self none is its own neighbour.
    SearchStats top_k(const CodeRows* queries, std::int64_t k, bool exclude_self,
                      std::int32_t* distances, std::int64_t* indices,
                      const Interrupt& interrupt) const;
    SearchStats count_within(const CodeRows* queries, std::int32_t radius, bool exclude_self,
                             std::int64_t* counts, const Interrupt& interrupt) const;
    SearchStats within_radius(const CodeRows* queries, std::int32_t radius, bool exclude_self,
                              NeighborLists& lists, const Interrupt& interrupt) const;

    std::int64_t rows() const { return static_cast<std::int64_t>(original_.size()); }
    std::int64_t words() const { return code_words_; }
    std::int64_t bytes() const;

private:
    friend class PrunedSearch;

    /// The codes [begin, end) of the index are those of one cluster.
    struct Cluster {
        std::int64_t begin, end;
    };

    CodeRows codes() const;
    void sort_codes(const CodeRows& reordered, const Assignment& assignment);

    std::int64_t code_words_;
    BitOrder order_;
    std::vector<std::uint64_t> words_;
    std::vector<std::int64_t> original_;  // the row that each code of the index was
    /// Chunks whose distances are computed first.
    std::size_t head_chunks_;
    Centers centers_;
    std::vector<Cluster> clusters_;
    /// Of each code of the index: its cluster, its distance to the centre, and the part of it that
    /// lies beyond the head.
    std::vector<std::uint16_t> cluster_, distance_, rest_;
};

/// Share of brute force's time that a search through an index would take, its making not counted:
/// tried on a sample of rows and queries. At least 1 if pruning cannot help.
double sampled_share(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                     const Interrupt& interrupt);
double sampled_radius_share(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            const Interrupt& interrupt);

}  // namespace splinecode

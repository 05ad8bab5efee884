#pragma once

#include <cstdint>

#include "hamming.hpp"
#include "parallel.hpp"

/// Which codes are equal, by hashing packed words. A hash only says where to look: codes are equal
/// when their words are, so colliding hashes cost time and never an answer.
namespace splinecode {

/// What hash_code mixes words with; public so that tests can make codes that collide.
constexpr std::uint64_t hash_keys[4] = {0x9e3779b97f4a7c15, 0xd1b54a32d192ed03, 0xabc98388fb8fac03,
                                        0x8cb92ba72f3d8dd7};

/// A hash of n words: products of pairs of words, each with a key, folded from 128 to 64 bits.
std::uint64_t hash_code(const std::uint64_t* words, std::int64_t n);

/// The distinct codes in lexicographic order of their words as unsigned integers.
/// `representative[u]` is the lowest row that holds distinct code u, `inverse[row]` the distinct
/// code of a row, `counts[u]` how many rows hold it; each has room for codes.rows entries.
/// Returns the number of distinct codes. O(rows * words) and the sorting of the distinct ones;
/// some 70 bytes of scratch a row.
std::int64_t unique(const CodeRows& codes, std::int64_t* representative, std::int64_t* inverse,
                    std::int64_t* counts, const Interrupt& interrupt);

/// found[i] = the lowest row of b that equals row i of a, or -1. Both have the same width.
/// O((a.rows + b.rows) * words); some 70 bytes of scratch a row.
void match(const CodeRows& a, const CodeRows& b, std::int64_t* found, const Interrupt& interrupt);

}  // namespace splinecode

#pragma once

#include <cstdint>

#include "parallel.hpp"

/// Limits of this processor, measured with the lanes of the instruction-set level in use: what a
/// comparison of codes is held against. All are bytes a second of all threads() together, the best
/// of repeated runs over about `seconds` (> 0, else std::invalid_argument).
namespace splinecode {

/// Vector loads from a buffer of `bytes` (at least 4,096) that each thread reads again and again,
/// so from the cache that holds it.
double probe_cache(std::int64_t bytes, double seconds, const Interrupt& interrupt);

/// Loads from memory: a buffer of four times the last cache (256 MiB to 2 GiB), read once by all
/// threads together.
double probe_memory(double seconds, const Interrupt& interrupt);

/// Bytes of codes compared in the first cache: the differing bits of each vector from one that
/// stays in a register are counted and summed.
double probe_popcount(double seconds, const Interrupt& interrupt);

/// Bytes looked up in 16-byte tables that stay in registers (vpshufb, tbl).
double probe_shuffle(double seconds, const Interrupt& interrupt);

}  // namespace splinecode

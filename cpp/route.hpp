#pragma once

#include <cstdint>

namespace splinecode {

/// How the distances of a block of queries are found: pair by pair (kernels/hamming_body.hpp), by
/// look-ups in registers (nibbles.hpp) or in tables (lookup.hpp).
enum class Route { pairs, nibbles, tables };

/// The fastest route for so many queries of so many words, at the level in use.
Route route_of(std::int64_t queries, std::int64_t words);

}  // namespace splinecode

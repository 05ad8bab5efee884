#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda.hpp"

namespace splinecode::cuda {

/// What a route needs and is good for, as far as choosing goes.
///
/// Distances a second at 1,024 bits, derived from issue rates, none measured yet:
///   few     device memory bandwidth / 128 bytes, for up to 4 queries
///   popc    2.1e11 on an H200: POPC at 16 a clock, one for two words
///   int8    9.7e11 on an H200 by wgmma's rate; mma.sync reaches less
///   b1      2.3e12 on an A100: 4,992 TOPS
///   wgmma   4.1e12 on an H200: 8,439 TOPS
enum class Route { automatic, few, popc, int8, b1, wgmma };

const char* name_of(Route route);

/// Routes that a device of this compute capability (major * 10 + minor) has in this build: wgmma
/// needs code for sm_90a.
std::vector<Route> routes_of(int compute_capability);

/// The route for a number of queries: the forced one, else few up to most_few_queries, then the
/// widest tensor-core route that is native: wgmma on sm_90, b1 on sm_80 to 89, int8 from sm_100 on.
/// Throws std::invalid_argument for a forced route that the device lacks.
Route route_for(int compute_capability, std::int64_t queries);

/// The route that is forced, or `automatic`: set_route's, else SPLINECODE_CUDA_ROUTE's.
/// Throws std::invalid_argument for a name that is none.
Route forced_route();

}  // namespace splinecode::cuda

#include "route.hpp"

#include "simd.hpp"

namespace splinecode {
namespace {

/// What the tables of a block cost is paid back from this many queries on, against pairs.
constexpr std::int64_t tables_before_pairs = 28;

/// Against nibbles: measured with AVX2, at 64 to 16,384 bits.
constexpr std::int64_t tables_before_nibbles(std::int64_t words) { return words < 4 ? 32 : 112; }

/// Turning the rows is paid back sooner where a row is a whole vector or two.
constexpr std::int64_t nibbles_before_pairs(std::int64_t words) {
    return words == 4 || words == 8 ? 2 : 5;
}

}  // namespace

Route route_of(std::int64_t queries, std::int64_t words) {
    if (!kernels().nibbles_pay) {
        return queries < tables_before_pairs ? Route::pairs : Route::tables;
    }
    if (queries < nibbles_before_pairs(words)) {
        return Route::pairs;
    }
    return queries < tables_before_nibbles(words) ? Route::nibbles : Route::tables;
}

}  // namespace splinecode

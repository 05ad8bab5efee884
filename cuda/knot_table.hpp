#pragma once

#include <cstdint>

#include "strided.hpp"
#include "sweep/knot_search.hpp"

namespace splinecode::cuda {

/// The knots of all cells on each track, in device memory, strictly rising: those of track i are
/// [begin[i], begin[i + 1]).
struct KnotTable {
    const std::int64_t* begin;  // (tracks + 1)
    const double* t;
    const double* snap;
    const double* error;
    const double* reach;  // the largest t + snap of the track up to here

    /// As sweep::KnotTable::error_at: what the knot at `at` is known to; 0 where there is none.
    SPLINECODE_HOST_DEVICE double error_at(std::int64_t track, double at) const {
        const std::int64_t end = begin[track + 1];
        const std::int64_t found = sweep::first_not_below(t, begin[track], end, at);
        return found < end && t[found] == at ? error[found] : 0;
    }
};

}  // namespace splinecode::cuda

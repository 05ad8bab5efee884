#pragma once

#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "sweep/segment.hpp"

namespace splinecode::sweep {

/// The ends of several segments: row i of a and of b, as many columns as the program has inputs.
struct Segments {
    std::int64_t count = 0;
    const double* a = nullptr;
    const double* b = nullptr;
};

/// Sweeps every segment, in windows of t where `max_bytes` of values would not do. Each result is
/// of the whole segment, t from 0 to 1. Threads share the segments, or one segment where they are
/// few. Throws Overflow, and NotEnoughMemory where no window is small enough.
std::vector<Window> sweep_segments(const Program& program, const Segments& segments,
                                   std::int64_t max_bytes, const Interrupt& interrupt);

}  // namespace splinecode::sweep

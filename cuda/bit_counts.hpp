#pragma once

#include <cstdint>

#include "carry_save.hpp"
#include "strided.hpp"

/// Counting bits by their place in many words. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// 64 counters of 8 bits: bit p of counter j is bit j of planes[p].
struct BitCounts {
    static constexpr int n_planes = 8;
    /// Words that `add` takes at once, and the most that can be counted: 31 times as many.
    static constexpr int batch = 8;
    static constexpr int most = 31 * batch;

    std::uint64_t planes[n_planes] = {};

    SPLINECODE_HOST_DEVICE void add(const std::uint64_t (&words)[batch]) {
        std::uint64_t fours[2];
        for (int i = 0; i < 2; ++i) {
            const std::uint64_t low = add_to_ones(planes[0], words[4 * i], words[4 * i + 1]);
            const std::uint64_t high = add_to_ones(planes[0], words[4 * i + 2], words[4 * i + 3]);
            fours[i] = add_to_ones(planes[1], low, high);
        }
        std::uint64_t carry = add_to_ones(planes[2], fours[0], fours[1]);
        for (int p = 3; p < n_planes; ++p) {
            const std::uint64_t next = planes[p] & carry;
            planes[p] ^= carry;
            carry = next;
        }
    }

    SPLINECODE_HOST_DEVICE std::uint32_t of(int bit) const {
        std::uint32_t count = 0;
        for (int p = 0; p < n_planes; ++p) {
            count |= static_cast<std::uint32_t>(planes[p] >> bit & 1) << p;
        }
        return count;
    }
};

}  // namespace splinecode::cuda

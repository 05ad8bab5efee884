#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "code_rows.hpp"
#include "nearest_key.hpp"

/// What the launchers of a scan demand of their sizes, before anything is queued.
namespace splinecode::cuda {

/// Distances are int32, and below 2^30 as part of a key.
constexpr std::int64_t most_scan_words = std::int64_t{1} << 24;
constexpr std::int32_t most_distance = 1 << 30;
constexpr std::int64_t most_uint16_words = std::numeric_limits<std::uint16_t>::max() / 64;

inline void require_codes(const char* name, const CodeRows& x, const CodeRows& y) {
    if (x.rows < 0 || y.rows < 0 || x.words < 0 || x.words != y.words ||
        x.words >= most_scan_words || y.rows >= most_indexed_rows) {
        throw std::invalid_argument(std::string(name) +
                                    ": the number of rows or words is out of range");
    }
}

inline void require_k(const char* name, const CodeRows& database, std::int64_t k,
                      bool exclude_self) {
    const std::int64_t most = exclude_self && database.rows > 0 ? database.rows - 1 : database.rows;
    if (k < 0 || k > most) {
        throw std::invalid_argument(std::string(name) + ": k is " + std::to_string(k) +
                                    " but there are " + std::to_string(most) +
                                    " rows to choose from");
    }
}

inline void require_workspace(const char* name, const void* workspace, std::size_t bytes,
                              std::size_t least) {
    if (workspace == nullptr || bytes < least) {
        throw std::invalid_argument(std::string(name) + ": the workspace needs at least " +
                                    std::to_string(least) + " bytes, it has " +
                                    std::to_string(workspace == nullptr ? 0 : bytes));
    }
    if (reinterpret_cast<std::uintptr_t>(workspace) % alignof(std::uint64_t) != 0) {
        throw std::invalid_argument(std::string(name) +
                                    ": the workspace is not aligned to 8 bytes");
    }
}

}  // namespace splinecode::cuda

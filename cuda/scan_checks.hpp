#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "code_rows.hpp"
#include "nearest_key.hpp"
#include "require.hpp"

/// What the launchers of a scan demand of their sizes, before anything is queued.
namespace splinecode::cuda {

/// Distances are int32, and below 2^30 as part of a key.
constexpr std::int64_t most_scan_words = std::int64_t{1} << 24;
constexpr std::int32_t most_distance = 1 << 30;
constexpr std::int64_t most_uint16_words = std::numeric_limits<std::uint16_t>::max() / 64;

inline void require_scan(const CodeRows& queries, const CodeRows& rows, const char* name) {
    require_same_width(queries, rows, name);
    require(rows.words < most_scan_words, name, "the codes are 2^24 words wide or wider");
    require(rows.rows < most_indexed_rows, name, "there are 2^34 rows or more");
}

inline void require_k(const CodeRows& database, std::int64_t k, bool exclude_self,
                      const char* name) {
    const std::int64_t most = exclude_self && database.rows > 0 ? database.rows - 1 : database.rows;
    require(k >= 0 && k <= most, name, "k is not from 0 to the number of rows to choose from");
}

inline void require_workspace(const void* workspace, std::size_t bytes, std::size_t least,
                              const char* name) {
    require(workspace != nullptr && bytes >= least, name,
            ("the workspace needs at least " + std::to_string(least) + " bytes").c_str());
    require(reinterpret_cast<std::uintptr_t>(workspace) % alignof(std::uint64_t) == 0, name,
            "the workspace is not aligned to 8 bytes");
}

}  // namespace splinecode::cuda

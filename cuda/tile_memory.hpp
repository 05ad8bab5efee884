#pragma once

#include <cstddef>
#include <cstdint>

#include "device_codes.hpp"
#include "ptx.hpp"
#include "tile_shape.hpp"

namespace splinecode::cuda {

/// Chunks that are on their way while one is worked on, and that one.
constexpr int tile_stages = 3;
/// Queries whose codes have at most so many chunks stay in shared memory for all rows of a unit;
/// wider ones are fetched again beside each chunk of rows.
constexpr int most_resident_chunks = 2;

/// The dynamic shared memory of a block, in bytes from a multiple of tile_alignment on: chunks of
/// queries, chunks of rows, active units of the rows and of the queries, and what the sink keeps.
/// Route: one of tile_products.hpp.
template <class Route>
struct TileLayout {
    static constexpr int query_tile = Route::queries * chunk_bytes;
    static constexpr int row_tile = Route::rows * chunk_bytes;

    int chunks;

    SPLINECODE_HOST_DEVICE constexpr bool resident() const {
        return chunks <= most_resident_chunks;
    }
    SPLINECODE_HOST_DEVICE constexpr int rows_at() const {
        return (resident() ? chunks : tile_stages) * query_tile;
    }
    SPLINECODE_HOST_DEVICE constexpr int row_counts_at() const {
        return rows_at() + tile_stages * row_tile;
    }
    SPLINECODE_HOST_DEVICE constexpr int query_counts_at() const {
        return row_counts_at() + Route::rows * static_cast<int>(sizeof(std::int32_t));
    }
    SPLINECODE_HOST_DEVICE constexpr int sink_at() const {
        return query_counts_at() + Route::queries * static_cast<int>(sizeof(std::int32_t));
    }
    /// `sink_ints` is what the sink keeps; the first byte of a block's memory may be anywhere.
    constexpr std::size_t bytes(int sink_ints) const {
        return static_cast<std::size_t>(sink_at()) +
               static_cast<std::size_t>(sink_ints) * sizeof(std::int32_t) + tile_alignment;
    }
};

/// The first byte of the block's dynamic shared memory that a tile may start at.
__device__ inline unsigned char* aligned_shared_memory() {
    unsigned char* const memory = ptx::dynamic_shared_memory();
    const std::uint32_t past = ptx::shared_address(memory) % tile_alignment;
    return memory + (past == 0 ? 0 : tile_alignment - past);
}

/// Codes that are copied to shared memory tile by tile.
struct TileSource {
    DeviceCodes codes;
    bool aligned;  // codes.aligned_16()

    explicit TileSource(const CodeRows& rows) : codes(rows), aligned(codes.aligned_16()) {}

    /// Starts to copy chunk `chunk` of rows [first, first + Rows) to a tile, with zeros for what is
    /// beyond the last row or word. All Threads threads of the block call it.
    template <int Rows, int Threads>
    __device__ void copy(std::int64_t first, int chunk, std::uint32_t tile) const {
        const Chunks chunks{codes.words};
        const int log2 = chunks.copied_pieces_log2(chunk);
        for (int i = static_cast<int>(threadIdx.x); i < Rows << log2; i += Threads) {
            const int line = i >> log2;
            const int piece = i - (line << log2);
            const std::int64_t row = first + line;
            const int valid = row < codes.rows ? chunks.valid_bytes(chunk, piece) : 0;
            const std::uint64_t* from =
                valid == 0 ? codes.data
                           : codes.row(row) + chunk * chunk_words + piece * piece_words;
            copy_piece(tile + static_cast<std::uint32_t>(piece_offset(line, piece)), from, valid);
        }
    }

private:
    __device__ void copy_piece(std::uint32_t to, const std::uint64_t* from, int valid) const {
        if (aligned) {
            ptx::copy_16(to, from, valid);
        } else {
            ptx::copy_8(to, from, valid > 0 ? 8 : 0);
            ptx::copy_8(to + 8, valid > 8 ? from + 1 : from, valid > 8 ? 8 : 0);
        }
    }
};

}  // namespace splinecode::cuda

#pragma once

#include <cstddef>
#include <cstdint>

#include "code_alignment.hpp"
#include "code_rows.hpp"
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
/// Route: tile_route.hpp.
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
    CodeRows codes;
    bool aligned;  // aligned_16(codes)

    explicit TileSource(const CodeRows& rows) : codes(rows), aligned(aligned_16(codes)) {}

    /// Starts to copy chunk `chunk` of rows [first, first + Rows), 2^log2 pieces of it, to a tile,
    /// with zeros for what is beyond the last row or word. All Threads threads of the block call
    /// it.
    /// `Unroll`: 1 where log2 is not known to the compiler.
    template <int Rows, int Threads, int Unroll>
    __device__ void copy(std::int64_t first, int chunk, int log2, std::uint32_t tile) const {
        if (aligned) {
            copy_pieces<Rows, Threads, Unroll, true>(first, chunk, log2, tile);
        } else {
            copy_pieces<Rows, Threads, Unroll, false>(first, chunk, log2, tile);
        }
    }

private:
    /// A thread copies the same piece of every so many-th line, which the swizzle puts at the same
    /// place of the line.
    template <int Rows, int Threads, int Unroll, bool Aligned>
    __device__ void copy_pieces(std::int64_t first, int chunk, int log2, std::uint32_t tile) const {
        static_assert(Threads / chunk_pieces % 8 == 0 && 2 * Rows % Threads == 0);
        const int first_line = static_cast<int>(threadIdx.x) >> log2;
        const int piece = static_cast<int>(threadIdx.x) - (first_line << log2);
        const int lines_at_once = Threads >> log2;
        const int valid = Chunks{codes.words}.valid_bytes(chunk, piece);
        const std::int64_t left = codes.rows - first;
        const int lines = left < Rows ? static_cast<int>(left) : Rows;
        const std::uint64_t* from =
            codes.row(first + first_line) + chunk * chunk_words + piece * piece_words;
        std::uint32_t to = tile + static_cast<std::uint32_t>(piece_offset(first_line, piece));
#pragma unroll Unroll
        for (int i = 0; i < (Rows << log2) / Threads; ++i) {
            const int line = first_line + i * lines_at_once;
            copy_piece<Aligned>(to + static_cast<std::uint32_t>(i * lines_at_once * chunk_bytes),
                                from, line < lines ? valid : 0);
            from += lines_at_once * codes.stride;
        }
    }

    template <bool Aligned>
    __device__ static void copy_piece(std::uint32_t to, const std::uint64_t* from, int valid) {
        if constexpr (Aligned) {
            ptx::copy_16(to, from, valid);
        } else {
            ptx::copy_8(to, from, valid > 0 ? 8 : 0);
            ptx::copy_8(to + 8, from + 1, valid > 8 ? 8 : 0);
        }
    }
};

}  // namespace splinecode::cuda

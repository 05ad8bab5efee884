#include <cstdint>

#include "code_rows.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "piece_chunks.hpp"
#include "piece_codes.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "warp.hpp"

/// Codes along segments: the code at the start of each chunk of pieces first, then the chunks side
/// by side. A warp takes 32 neighbouring words, a lane each, and reads the crossings that all its
/// lanes see at once.
namespace splinecode::cuda {
namespace {

/// Where rows of `width` words are written, as tiles of 32 words.
struct CodeTiles {
    std::int64_t width;
    std::uint64_t* words;

    __host__ __device__ std::int64_t across() const { return ceil_div(width, warp_lanes); }
    __device__ std::uint64_t* at(std::int64_t row, std::int64_t word) const {
        return words + row * width + word;
    }
};

/// The bits of crossing i that flip in one word.
__device__ std::uint64_t flipped_in(const PieceFlips& flips, std::int64_t i, std::int64_t word) {
    const CodeBit flipped = CodeBit::at(__ldg(flips.place + i));
    return flipped.word == word ? flipped.bit : 0;
}

/// Calls body(chunk, word) for each chunk and word, a warp a tile of words.
template <class Body>
__device__ void for_each_chunk(const PieceChunks& chunks, const CodeTiles& tiles,
                               std::int64_t slots, const Body& body) {
    const std::int64_t work = slots * tiles.across();
    for (std::int64_t i = warp_of_grid(); i < work; i += warps_of_grid()) {
        const PieceChunks::Chunk chunk = chunks.at(i / tiles.across());
        const std::int64_t word = i % tiles.across() * warp_lanes + lane_of_warp();
        if (chunk.begin < chunk.end && word < tiles.width) {
            body(chunk, word);
        }
    }
}

/// The first row of each chunk: what flips from the first piece of the chunk before to this one's,
/// or, of a segment's first chunk, its code.
__global__ void __launch_bounds__(block_threads)
    chunk_flips_kernel(const CodeRows first, const PieceChunks chunks, const CodeTiles tiles,
                       std::int64_t slots) {
    const PieceFlips& flips = chunks.flips;
    for_each_chunk(chunks, tiles, slots, [&](const PieceChunks::Chunk& chunk, std::int64_t word) {
        const std::int64_t s = chunk.segment;
        const bool leads = chunk.begin == 0;
        const std::int64_t end = flips.crossings_until(s, chunk.begin);
        std::uint64_t code = leads ? first.row(s)[word] : 0;
        std::int64_t i =
            leads ? flips.offsets[s] : flips.crossings_until(s, chunk.begin - PieceChunks::most);
#pragma unroll 4
        for (; i < end; ++i) {
            code ^= flipped_in(flips, i, word);
        }
        *tiles.at(flips.first_piece(s) + chunk.begin, word) = code;
    });
}

/// The first rows of a segment's chunks become codes: a block per segment and tile, in which each
/// warp adds up one stretch of the chunks after another.
__global__ void __launch_bounds__(block_threads)
    chunk_starts_kernel(const PieceChunks chunks, const CodeTiles tiles) {
    __shared__ std::uint64_t flips_of[block_warps][warp_lanes];
    const int lane = lane_of_warp();
    const int warp = warp_of_block();
    const std::int64_t work = chunks.flips.segments * tiles.across();
    for (std::int64_t i = blockIdx.x; i < work; i += gridDim.x) {
        const std::int64_t s = i / tiles.across();
        const std::int64_t word = i % tiles.across() * warp_lanes + lane;
        const std::int64_t n = ceil_div(chunks.pieces_of(s), PieceChunks::most);
        const std::int64_t stretch = ceil_div(n, block_warps);
        const std::int64_t begin = warp * stretch;
        const std::int64_t end = begin + stretch < n ? begin + stretch : n;
        const auto start = [&](std::int64_t chunk) -> std::uint64_t& {
            return *tiles.at(chunks.flips.first_piece(s) + chunk * PieceChunks::most, word);
        };
        std::uint64_t code = 0;
        if (word < tiles.width) {
#pragma unroll 8
            for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                code ^= start(chunk);
            }
        }
        flips_of[warp][lane] = code;
        __syncthreads();
        code = 0;
        for (int before = 0; before < warp; ++before) {
            code ^= flips_of[before][lane];
        }
        if (word < tiles.width) {
#pragma unroll 8
            for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                code ^= start(chunk);
                start(chunk) = code;
            }
        }
        __syncthreads();  // what has been added up is read
    }
}

/// The other rows. Floor: the bytes of the codes, written once.
__global__ void __launch_bounds__(block_threads)
    chunk_codes_kernel(const PieceChunks chunks, const CodeTiles tiles, std::int64_t slots) {
    const PieceFlips& flips = chunks.flips;
    for_each_chunk(chunks, tiles, slots, [&](const PieceChunks::Chunk& chunk, std::int64_t word) {
        const std::int64_t s = chunk.segment;
        const std::int64_t last = flips.offsets[s + 1];
        std::uint64_t* row = tiles.at(flips.first_piece(s) + chunk.begin, word);
        std::uint64_t code = *row;
        std::int64_t crossing = flips.crossings_until(s, chunk.begin);
        for (std::int64_t i = chunk.begin + 1; i < chunk.end; ++i) {
            const double end = flips.end_of(s, i);
            for (; crossing < last && __ldg(flips.t + crossing) < end; ++crossing) {
                code ^= flipped_in(flips, crossing, word);
            }
            row += tiles.width;
            *row = code;
        }
    });
}

/// A thread per bit. Which of two flips of one word comes first changes nothing.
__global__ void __launch_bounds__(block_threads)
    flip_bits_kernel(const std::int64_t* row, const std::int64_t* place, std::int64_t n,
                     std::int64_t row_words, unsigned long long* words) {
    for (std::int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
        const CodeBit flipped = CodeBit::at(place[i]);
        atomicXor(words + row[i] * row_words + flipped.word, flipped.bit);
    }
}

}  // namespace

void piece_codes(const CodeRows& first, const PieceFlips& flips, std::int64_t pieces,
                 std::uint64_t* words, Stream stream) {
    constexpr const char* name = "piece_codes";
    require_codes(first, name);
    require(flips.segments == first.rows && pieces >= flips.segments, name,
            "a segment has no code or no piece");
    if (pieces == 0 || first.words == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const PieceChunks chunks{flips};
    const CodeTiles tiles{first.words, words};
    const std::int64_t slots = PieceChunks::slots(pieces, flips.segments);
    const std::int64_t blocks = ceil_div(slots * tiles.across(), block_warps);
    launch(name, chunk_flips_kernel, blocks, stream, first, chunks, tiles, slots);
    launch(name, chunk_starts_kernel, flips.segments * tiles.across(), stream, chunks, tiles);
    launch(name, chunk_codes_kernel, blocks, stream, chunks, tiles, slots);
}

void flip_bits(const std::int64_t* row, const std::int64_t* place, std::int64_t n,
               std::int64_t row_words, std::uint64_t* words, Stream stream) {
    require(n >= 0 && row_words >= 0, "flip_bits", "a size is negative");
    if (n == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("flip_bits", flip_bits_kernel, ceil_div(n, block_threads), stream, row, place, n,
           row_words, reinterpret_cast<unsigned long long*>(words));
}

}  // namespace splinecode::cuda

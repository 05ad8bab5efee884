#include <cstdint>

#include "bit_counts.hpp"
#include "bit_squares.hpp"
#include "code_rows.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "layer_units.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

// ------------------------------------------------------------------ column_counts

/// Codes cut for counting: a block per 32 columns and piece of the rows, a warp per eighth of the
/// piece, a lane per column. Narrow codes are counted several side by side, as one of more columns.
struct CountPieces {
    static constexpr int columns_at_once = warp_lanes;

    CodeRows rows;
    std::int64_t joined;
    std::int64_t warp_rows;  // of joined codes

    __host__ __device__ std::int64_t tiles() const {
        return ceil_div(joined * rows.words, columns_at_once);
    }
    __host__ __device__ std::int64_t pieces() const {
        return ceil_div(ceil_div(rows.rows, joined), block_warps * warp_rows);
    }

    static CountPieces of(const CodeRows& rows) {
        constexpr std::int64_t blocks = 1024;
        constexpr std::int64_t most_warp_rows = 1 << 20;  // so that a block counts in 32 bits
        CountPieces cut{rows, rows.words < columns_at_once ? columns_at_once / rows.words : 1, 0};
        const std::int64_t wanted =
            ceil_div(ceil_div(rows.rows, cut.joined), block_warps * ceil_div(blocks, cut.tiles()));
        const std::int64_t batches = ceil_div(wanted, BitCounts::batch);
        const std::int64_t warp_rows = (batches < 4 ? 4 : batches) * BitCounts::batch;
        cut.warp_rows = warp_rows < most_warp_rows ? warp_rows : most_warp_rows;
        return cut;
    }
};

/// Counts by bit and word of a tile. The entry more lets both lanes with different words and lanes
/// with different bits reach different banks.
using TileCounts = std::uint32_t[word_bits][CountPieces::columns_at_once + 1];

/// Words of one column, `step` words apart, of which `rows` are left.
struct Column {
    const std::uint64_t* next;
    std::int64_t step;
    std::int64_t rows;

    /// Counts the next words, as many as counters of 8 bits can.
    __device__ BitCounts count() {
        BitCounts counts;
        const int n = rows < BitCounts::most ? static_cast<int>(rows) : BitCounts::most;
#pragma unroll 1
        for (int row = 0; row < n; row += BitCounts::batch) {
            std::uint64_t words[BitCounts::batch];
#pragma unroll
            for (int i = 0; i < BitCounts::batch; ++i) {
                words[i] = row + i < n ? __ldg(next + i * step) : 0;
            }
            counts.add(words);
            next += BitCounts::batch * step;
        }
        rows -= n;
        return counts;
    }
};

/// The rows of a lane's column that its warp counts in a piece.
__device__ Column column_of(const CountPieces& cut, std::int64_t column, std::int64_t piece) {
    const std::int64_t first = (piece * block_warps + warp_of_block()) * cut.warp_rows;
    const std::int64_t side = column / cut.rows.words;
    const std::int64_t row = first * cut.joined + side;
    const std::int64_t left =
        side < cut.joined && row < cut.rows.rows ? ceil_div(cut.rows.rows - row, cut.joined) : 0;
    return {cut.rows.row(row) + column % cut.rows.words, cut.joined * cut.rows.stride,
            left < cut.warp_rows ? left : cut.warp_rows};
}

/// out[unit] += active rows. A lane adds 8 words to its bit-sliced counters by 48 LOP3 a half, and
/// takes about 20 instructions a bit to empty them every 248 rows: some 17 instructions a word, of
/// the 70 that a warp may take while an H100's memory delivers 256 bytes to its SM.
///
/// Floor: bytes of the rows read once, at the memory's bandwidth.
__global__ void __launch_bounds__(block_threads)
    count_kernel(const __grid_constant__ CountPieces cut, const __grid_constant__ LayerUnits layers,
                 unsigned long long* out) {
    __shared__ TileCounts counts;
    const int thread = static_cast<int>(threadIdx.x);
    const std::int64_t tiles = cut.tiles();
    const std::int64_t blocks = tiles * cut.pieces();
    const bool narrow = cut.rows.words < CountPieces::columns_at_once;
    for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        const std::int64_t first_column = block % tiles * CountPieces::columns_at_once;
        const std::int64_t column = first_column + lane_of_warp();
        const int slot = narrow ? static_cast<int>(column % cut.rows.words) : lane_of_warp();
        __syncthreads();  // the counts of the last piece have been read
        for (int i = thread; i < int{word_bits} * warp_lanes; i += block_threads) {
            counts[i / warp_lanes][i % warp_lanes] = 0;
        }
        __syncthreads();
        Column words = column_of(cut, column, block / tiles);
        while (words.rows > 0) {
            const BitCounts found = words.count();
#pragma unroll 4
            for (int bit = 0; bit < int{word_bits}; ++bit) {
                atomicAdd(&counts[bit][slot], found.of(bit));
            }
        }
        __syncthreads();
        for (int i = thread; i < int{word_bits} * warp_lanes; i += block_threads) {
            const std::int64_t word = first_column + i / int{word_bits};
            const int bit = i % int{word_bits};
            if (word < cut.rows.words) {
                const WordUnits units = layers.of_word(word);
                if (bit < units.count) {
                    atomicAdd(out + units.first + bit,
                              static_cast<unsigned long long>(counts[bit][i / int{word_bits}]));
                }
            }
        }
    }
}

// ------------------------------------------------------------------ transpose_bits

/// A tile of 8 words of 512 rows, one per block: 64 bytes of a row side by side, and 64 bytes of a
/// unit's row of the result.
struct BitTile {
    static constexpr int words = 8;
    static constexpr int squares = 8;  // of 64 rows
    static constexpr int rows = squares * int{word_bits};
    /// An odd pitch, and a word more every 64 rows: lanes reach different banks by row and by
    /// square.
    static constexpr int size = rows * (words + 1) + squares;

    __device__ static int place(int row, int word) {
        return row * (words + 1) + row / int{word_bits} + word;
    }
};

/// The lane's part in transposing 32 x 32 bits.
struct LaneSwaps {
    SquareSwap swaps[5];

    __device__ LaneSwaps() {
        for (int i = 0; i < 5; ++i) {
            swaps[i] = SquareSwap::of(lane_of_warp(), 16 >> i);
        }
    }
    /// All lanes call it, each with its row, and get a column.
    __device__ std::uint32_t transpose(std::uint32_t row) const {
#pragma unroll
        for (int i = 0; i < 5; ++i) {
            row = swaps[i].apply(row, __shfl_xor_sync(all_lanes, row, 16 >> i));
        }
        return row;
    }
};

/// Transposes the 64 x 64 bits of one word of 64 rows of a tile in place, by one warp: lane i holds
/// rows i and i + 32, four squares of 32 x 32.
__device__ void transpose_square(const LaneSwaps& swaps, std::uint64_t* tile, int square,
                                 int word) {
    const int row = square * int{word_bits} + lane_of_warp();
    std::uint64_t& upper = tile[BitTile::place(row, word)];
    std::uint64_t& lower = tile[BitTile::place(row + warp_lanes, word)];
    const std::uint64_t top = upper;
    const std::uint64_t bottom = lower;
    const auto joined = [&](std::uint64_t low_rows, std::uint64_t high_rows) {
        const std::uint64_t low = swaps.transpose(static_cast<std::uint32_t>(low_rows));
        const std::uint64_t high = swaps.transpose(static_cast<std::uint32_t>(high_rows));
        return high << 32 | low;
    };
    upper = joined(top, bottom);
    lower = joined(top >> 32, bottom >> 32);
}

/// Row u of out: bit r tells whether unit u is active in row r.
///
/// Floor: bytes of the rows read and as many written. 64 x 64 bits (1 KiB both ways) take a warp 20
/// shuffles and some 130 instructions in all, of the 280 that the memory's bandwidth leaves.
__global__ void __launch_bounds__(block_threads)
    transpose_kernel(const CodeRows rows, const __grid_constant__ LayerUnits layers,
                     std::int64_t out_words, std::uint64_t* out) {
    __shared__ std::uint64_t tile[BitTile::size];
    const LaneSwaps swaps;
    const int thread = static_cast<int>(threadIdx.x);
    const std::int64_t across = ceil_div(rows.words, BitTile::words);
    const std::int64_t count = across * ceil_div(rows.rows, BitTile::rows);
    for (std::int64_t i = blockIdx.x; i < count; i += gridDim.x) {
        const std::int64_t first_row = i / across * BitTile::rows;
        const std::int64_t first_word = i % across * BitTile::words;
        const std::int64_t rows_left = rows.rows - first_row;
        const std::int64_t words_left = rows.words - first_word;
        const int n_rows = rows_left < BitTile::rows ? static_cast<int>(rows_left) : BitTile::rows;
        const int n_words =
            words_left < BitTile::words ? static_cast<int>(words_left) : BitTile::words;
        const int squares = (n_rows + int{word_bits} - 1) / int{word_bits};
        __syncthreads();  // the last tile has been written out
        for (int at = thread; at < squares * int{word_bits} * n_words; at += block_threads) {
            const int row = at / n_words;
            const int word = at % n_words;
            tile[BitTile::place(row, word)] =
                row < n_rows ? __ldg(rows.row(first_row + row) + first_word + word) : 0;
        }
        __syncthreads();
        for (int at = warp_of_block(); at < squares * n_words; at += block_warps) {
            transpose_square(swaps, tile, at / n_words, at % n_words);
        }
        __syncthreads();
        for (int at = thread; at < n_words * BitTile::rows; at += block_threads) {
            const int square = at % BitTile::squares;
            const int bit = at / BitTile::squares % int{word_bits};
            const int word = at / BitTile::rows;
            const WordUnits units = layers.of_word(first_word + word);
            if (square < squares && bit < units.count) {
                out[(units.first + bit) * out_words + first_row / word_bits + square] =
                    tile[BitTile::place(square * int{word_bits} + bit, word)];
            }
        }
    }
}

}  // namespace

void column_counts(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                   std::int64_t* out, Stream stream) {
    constexpr const char* name = "column_counts";
    require_codes(rows, name);
    const std::int64_t units = units_of_layers(layer_bits, rows.words, name);
    if (units == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    check(cudaMemsetAsync(out, 0, static_cast<std::size_t>(units) * sizeof(std::int64_t),
                          reinterpret_cast<cudaStream_t>(stream.handle)),
          name);
    if (rows.rows == 0) {
        return;
    }
    for_each_layers(layer_bits, [&](std::int64_t first_word, const LayerUnits& layers) {
        const CountPieces cut =
            CountPieces::of(rows.columns(first_word, first_word + layers.words));
        launch(name, count_kernel, cut.tiles() * cut.pieces(), stream, cut, layers,
               reinterpret_cast<unsigned long long*>(out));
    });
}

void transpose_bits(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                    std::uint64_t* out, Stream stream) {
    constexpr const char* name = "transpose_bits";
    require_codes(rows, name);
    const std::int64_t units = units_of_layers(layer_bits, rows.words, name);
    if (units == 0 || rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    for_each_layers(layer_bits, [&](std::int64_t first_word, const LayerUnits& layers) {
        const std::int64_t tiles =
            ceil_div(layers.words, BitTile::words) * ceil_div(rows.rows, BitTile::rows);
        launch(name, transpose_kernel, tiles, stream,
               rows.columns(first_word, first_word + layers.words), layers, words_for(rows.rows),
               out);
    });
}

}  // namespace splinecode::cuda

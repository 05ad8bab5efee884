#include <cmath>
#include <stdexcept>
#include <string>

#include "chunks.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "elements.hpp"
#include "geometry.hpp"
#include "runtime.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

struct Seen {
    bool above = false;
    bool nan = false;
};

/// What one lane sees in one column of a row; nothing beyond the last column.
template <class Above>
__device__ Seen see(const Above& above, const typename Above::Value* row, const StridedRows& z,
                    std::int64_t column) {
    if (column >= z.columns) {
        return {};
    }
    const typename Above::Value value = row[column * z.column_stride];
    return {above.is_above(value), above.is_nan(value)};
}

/// A word of 64 columns: lane i brings bits i and i + 32. All lanes of the warp call it.
__device__ std::uint64_t ballot(bool low, bool high) {
    const std::uint64_t low_bits = __ballot_sync(all_lanes, low);
    const std::uint64_t high_bits = __ballot_sync(all_lanes, high);
    return high_bits << warp_lanes | low_bits;
}

/// Packs one strip with one warp: lane i keeps word i, so that the words are stored together.
template <class Above, class Strip>
__device__ void pack_strip(const StridedRows& z, const Above& above, Strip strip,
                           std::int64_t row_words, std::uint64_t* words, std::int64_t* first_nan) {
    const int lane = lane_of_warp();
    const auto* row = static_cast<const typename Above::Value*>(z.data) + z.row_offset(strip.row);
    std::uint64_t kept = 0;
    std::int64_t nan_column = -1;
#pragma unroll 2
    for (int i = 0; i < strip.words; ++i) {
        const std::int64_t first_column = (strip.first_word + i) * word_bits;
        const Seen low = see(above, row, z, first_column + lane);
        const Seen high = see(above, row, z, first_column + warp_lanes + lane);
        const std::uint64_t word = ballot(low.above, high.above);
        const std::uint64_t nans = ballot(low.nan, high.nan);
        if (lane == i) {
            kept = word;
        }
        if (nans != 0 && nan_column < 0) {
            nan_column = first_column + __ffsll(static_cast<long long>(nans)) - 1;
        }
    }
    if (lane < strip.words) {
        words[strip.row * row_words + strip.first_word + lane] = kept;
    }
    if (lane == 0 && nan_column >= 0 && first_nan != nullptr) {
        atomicMin(reinterpret_cast<long long*>(first_nan),
                  static_cast<long long>(strip.row * z.columns + nan_column));
    }
}

/// A warp per strip. Floor: bytes of z read once + 1/8 byte written per element, at the memory's
/// bandwidth. Strided columns read whole 32-byte sectors, up to 32 / sizeof(Value) times as much.
template <class Above>
__global__ void __launch_bounds__(block_threads)
    pack_kernel(const __grid_constant__ StridedRows z, const Above above,
                const PackStrips<8> strips, std::uint64_t* words, std::int64_t* first_nan) {
    const std::int64_t count = strips.count();
    for (std::int64_t strip = warp_of_grid(); strip < count; strip += warps_of_grid()) {
        pack_strip(z, above, strips.at(strip), strips.row_words, words, first_nan);
    }
}

// ------------------------------------------------------------------ by chunks

/// The bits of fewer elements than a chunk has: those that end a row.
template <class Above>
__device__ ChunkBits bits_of_few(const Above& above, const typename Above::Value* values,
                                 int count) {
    ChunkBits bits;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
        bits.above |= static_cast<std::uint32_t>(above.is_above(values[i])) << i;
        bits.nan |= above.is_nan(values[i]);
    }
    return bits;
}

/// The bits that a lane finds in each round of a strip of `left` columns, shifted to their places
/// in the 32 bits shared with its neighbours. Returns whether it saw a NaN.
template <class Above, int loads>
__device__ bool see_chunks(const Above& above, const typename Above::Value* strip, int left,
                           std::uint32_t (&shared)[loads]) {
    using Rounds = ChunkRounds<typename Above::Value>;
    const int lane = lane_of_warp();
    const auto* from = reinterpret_cast<const uint4*>(strip) + lane;
    // Chunks from the lane's first one on that lie whole in the strip.
    const int chunks_left = left / Rounds::elements - lane;
    uint4 chunks[loads];
    if (left == Rounds::columns) {
#pragma unroll
        for (int i = 0; i < loads; ++i) {
            chunks[i] = __ldg(from + i * warp_lanes);
        }
    } else {
#pragma unroll
        for (int i = 0; i < loads; ++i) {
            chunks[i] = i * warp_lanes < chunks_left ? __ldg(from + i * warp_lanes) : uint4{};
        }
    }
    const int shift = lane % Rounds::sharing * Rounds::elements;
    bool nan = false;
#pragma unroll
    for (int i = 0; i < loads; ++i) {
        const ChunkBits bits =
            bits_of(above, {{chunks[i].x, chunks[i].y, chunks[i].z, chunks[i].w}});
        nan |= bits.nan;
        shared[i] = i * warp_lanes < chunks_left ? bits.above << shift : 0;
    }
    const int last = left / Rounds::elements;
    if (left % Rounds::elements != 0 && last % warp_lanes == lane) {
        const ChunkBits bits =
            bits_of_few(above, strip + last * Rounds::elements, left % Rounds::elements);
        nan |= bits.nan;
#pragma unroll
        for (int i = 0; i < loads; ++i) {
            shared[i] |= i == last / warp_lanes ? bits.above << shift : 0;
        }
    }
    return nan;
}

/// Joins the bits that `sharing` lanes hold of each round: of these lanes, lane i gets all 32 bits
/// of round i % loads. Each step halves the rounds that a lane still holds. All lanes call it.
template <int sharing, int loads>
__device__ std::uint32_t join_rounds(std::uint32_t (&rounds)[loads]) {
    const int lane = lane_of_warp();
#pragma unroll
    for (int half = loads / 2; half > 0; half /= 2) {
        const bool upper = (lane & half) != 0;
#pragma unroll
        for (int i = 0; i < half; ++i) {
            const std::uint32_t given = upper ? rounds[i] : rounds[i + half];
            const std::uint32_t kept = upper ? rounds[i + half] : rounds[i];
            rounds[i] = kept | __shfl_xor_sync(all_lanes, given, half);
        }
    }
#pragma unroll
    for (int distance = loads; distance < sharing; distance *= 2) {
        rounds[0] |= __shfl_xor_sync(all_lanes, rounds[0], distance);
    }
    return rounds[0];
}

/// As pack_strip, 16 bytes a lane and round with all loads in flight before the first is used.
template <class Above, class Strip>
__device__ void pack_chunks(const StridedRows& z, const Above& above, Strip strip,
                            std::int64_t row_words, std::uint64_t* words, std::int64_t* first_nan) {
    using Rounds = ChunkRounds<typename Above::Value>;
    const int lane = lane_of_warp();
    const std::int64_t first_column = strip.first_word * word_bits;
    const std::int64_t columns = z.columns - first_column;
    const int left = columns < Rounds::columns ? static_cast<int>(columns) : Rounds::columns;
    const auto* row = static_cast<const typename Above::Value*>(z.data) + z.row_offset(strip.row);
    std::uint32_t rounds[Rounds::loads];
    const bool nan = see_chunks(above, row + first_column, left, rounds);
    const std::uint32_t low = join_rounds<Rounds::sharing>(rounds);
    const std::uint64_t high = __shfl_down_sync(all_lanes, low, Rounds::sharing);
    // The lanes of even groups have the low halves of words, those of the next group the high ones.
    const int round = lane % Rounds::sharing;
    const int group = lane / Rounds::sharing;
    const int word = (round * Rounds::elements + group) / 2;
    if (group % 2 == 0 && round < Rounds::loads && word < strip.words) {
        words[strip.row * row_words + strip.first_word + word] = high << 32 | low;
    }
    if (first_nan != nullptr && __any_sync(all_lanes, nan)) {
        pack_strip(z, above, strip, row_words, words, first_nan);  // finds where, too
    }
}

template <class Above>
using ChunkStrips = PackStrips<ChunkRounds<typename Above::Value>::words>;

template <class Above>
__global__ void __launch_bounds__(block_threads)
    pack_chunks_kernel(const __grid_constant__ StridedRows z, const Above above,
                       const ChunkStrips<Above> strips, std::uint64_t* words,
                       std::int64_t* first_nan) {
    const std::int64_t count = strips.count();
    for (std::int64_t strip = warp_of_grid(); strip < count; strip += warps_of_grid()) {
        pack_chunks(z, above, strips.at(strip), strips.row_words, words, first_nan);
    }
}

// ------------------------------------------------------------------ host

template <class Above>
void launch_pack(const StridedRows& z, const Above& above, std::uint64_t* words,
                 std::int64_t* first_nan, Stream stream) {
    const StridedRows rows = as_long_rows(z);
    const auto run = [&](auto kernel, const auto& strips) {
        launch("pack", kernel, ceil_div(strips.count(), block_warps), stream, rows, above, strips,
               words, first_nan);
    };
    const std::int64_t row_words = words_for(rows.columns);
    if (rows_are_chunks(rows)) {
        run(pack_chunks_kernel<Above>, ChunkStrips<Above>{rows.rows, row_words});
    } else {
        run(pack_kernel<Above>, PackStrips<8>{rows.rows, row_words});
    }
}

HalfAbove half_above(double threshold, ElementType type) {
    const std::uint16_t infinity = infinity_bits(type);
    return {ordered_key(half_bits(threshold, type)), infinity};
}

void require_packable(const StridedRows& z) {
    switch (z.type) {
        case ElementType::float64:
        case ElementType::float32:
        case ElementType::float16:
        case ElementType::bfloat16:
        case ElementType::boolean: break;
        default: throw std::invalid_argument(std::string("pack: cannot pack ") + name_of(z.type));
    }
    if (z.rows < 0 || z.columns < 0 || z.leading < 0 || z.leading > StridedRows::max_leading) {
        throw std::invalid_argument("pack: the shape is out of range");
    }
}

}  // namespace

void pack(const StridedRows& z, double threshold, std::uint64_t* words, std::int64_t* first_nan,
          Stream stream) {
    require_packable(z);
    if (std::isnan(threshold)) {
        throw std::invalid_argument("threshold is NaN; wanted a number");
    }
    if (z.rows == 0 || z.columns == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    switch (z.type) {
        case ElementType::float64:
            return launch_pack(z, FloatAbove<double>{threshold}, words, first_nan, stream);
        case ElementType::float32:
            return launch_pack(z, FloatAbove<float>{static_cast<float>(threshold)}, words,
                               first_nan, stream);
        case ElementType::float16:
        case ElementType::bfloat16:
            return launch_pack(z, half_above(threshold, z.type), words, first_nan, stream);
        default: return launch_pack(z, BooleanAbove{}, words, first_nan, stream);
    }
}

}  // namespace splinecode::cuda

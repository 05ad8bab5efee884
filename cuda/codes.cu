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

/// Keeps the least flat index that a warp has found a NaN at.
__device__ void report_nan(std::int64_t flat, std::int64_t* first_nan) {
    if (lane_of_warp() == 0) {
        atomicMin(reinterpret_cast<long long*>(first_nan), static_cast<long long>(flat));
    }
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
    if (nan_column >= 0 && first_nan != nullptr) {
        report_nan(strip.row * z.columns + nan_column, first_nan);
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
/// in the 32 bits shared with its neighbours. All loads are in flight before the first is used.
/// Returns whether it saw a NaN.
template <class Above, class Rounds>
__device__ bool see_chunks(const Above& above, const typename Above::Value* strip, int left,
                           std::uint32_t (&seen)[Rounds::rounds], Rounds) {
    const int lane = lane_of_warp();
    const auto* from = reinterpret_cast<const uint4*>(strip) + lane;
    // Chunks from the lane's first one on that lie whole in the strip.
    const int chunks_left = left / Rounds::elements - lane;
    uint4 chunks[Rounds::rounds];
    if (left == Rounds::columns) {
#pragma unroll
        for (int i = 0; i < Rounds::rounds; ++i) {
            chunks[i] = __ldg(from + i * warp_lanes);
        }
    } else {
#pragma unroll
        for (int i = 0; i < Rounds::rounds; ++i) {
            chunks[i] = i * warp_lanes < chunks_left ? __ldg(from + i * warp_lanes) : uint4{};
        }
    }
    const int shift = lane % Rounds::sharing * Rounds::elements;
    bool nan = false;
#pragma unroll
    for (int i = 0; i < Rounds::rounds; ++i) {
        const ChunkBits bits =
            bits_of(above, {{chunks[i].x, chunks[i].y, chunks[i].z, chunks[i].w}});
        nan |= bits.nan;
        seen[i] = i * warp_lanes < chunks_left ? bits.above << shift : 0;
    }
    const int last = left / Rounds::elements;
    if (left % Rounds::elements != 0 && last % warp_lanes == lane) {
        const ChunkBits bits =
            bits_of_few(above, strip + last * Rounds::elements, left % Rounds::elements);
        nan |= bits.nan;
#pragma unroll
        for (int i = 0; i < Rounds::rounds; ++i) {
            seen[i] |= i == last / warp_lanes ? bits.above << shift : 0;
        }
    }
    return nan;
}

/// Joins the bits that the lanes which share 32 bits hold of `joined` rounds: of these lanes, lane
/// i gets all 32 bits of round i % joined. Each step halves the rounds that a lane still holds. All
/// lanes call it.
template <class Rounds>
__device__ std::uint32_t join_rounds(std::uint32_t* seen, Rounds) {
    const int lane = lane_of_warp();
#pragma unroll
    for (int half = Rounds::joined / 2; half > 0; half /= 2) {
        const bool upper = (lane & half) != 0;
#pragma unroll
        for (int i = 0; i < half; ++i) {
            const std::uint32_t given = upper ? seen[i] : seen[i + half];
            const std::uint32_t kept = upper ? seen[i + half] : seen[i];
            seen[i] = kept | __shfl_xor_sync(all_lanes, given, half);
        }
    }
#pragma unroll
    for (int distance = Rounds::joined; distance < Rounds::sharing; distance *= 2) {
        seen[0] |= __shfl_xor_sync(all_lanes, seen[0], distance);
    }
    return seen[0];
}

/// Finds the first NaN of a strip of `left` columns; `flat` is the flat index of its first one.
template <class Above>
__device__ void find_nan(const Above& above, const typename Above::Value* strip, int left,
                         std::int64_t flat, std::int64_t* first_nan) {
#pragma unroll 1
    for (int first = 0; first < left; first += warp_lanes) {
        const int column = first + lane_of_warp();
        const unsigned nans =
            __ballot_sync(all_lanes, column < left && above.is_nan(strip[column]));
        if (nans != 0) {
            report_nan(flat + first + __ffs(static_cast<int>(nans)) - 1, first_nan);
            return;
        }
    }
}

/// As pack_strip, 16 bytes a lane and round.
template <class Above, class Strip>
__device__ void pack_chunks(const StridedRows& z, const Above& above, Strip strip,
                            std::uint64_t* words, std::int64_t* first_nan) {
    constexpr ChunkRounds<typename Above::Value> rounds;
    const int lane = lane_of_warp();
    const std::int64_t first_column = strip.first_word * word_bits;
    const std::int64_t columns = z.columns - first_column;
    const int left = columns < rounds.columns ? static_cast<int>(columns) : rounds.columns;
    const auto* from =
        static_cast<const typename Above::Value*>(z.data) + z.row_offset(strip.row) + first_column;
    std::uint32_t seen[rounds.rounds];
    const bool nan = see_chunks(above, from, left, seen, rounds);
#pragma unroll
    for (int first = 0; first < rounds.rounds; first += rounds.joined) {
        const std::uint32_t low = join_rounds(seen + first, rounds);
        const std::uint64_t high = __shfl_down_sync(all_lanes, low, rounds.sharing);
        // Lanes of even groups have the low halves of words, those of the next group the high ones.
        const int group = lane / rounds.sharing;
        const int round = first + lane % rounds.sharing;
        const int word = (round * rounds.elements + group) / 2;
        if (group % 2 == 0 && round < first + rounds.joined && word < strip.words) {
            words[word] = high << 32 | low;
        }
    }
    if (first_nan != nullptr && __any_sync(all_lanes, nan)) {
        find_nan(above, from, left, strip.row * z.columns + first_column, first_nan);
    }
}

template <class Above>
using ChunkStrips = PackStrips<ChunkRounds<typename Above::Value>::words>;

/// A warp per strip of 4 KiB. Floor: as pack_kernel. Per strip a warp takes about 150 instructions
/// to find its place and, for float64, float32, halves and booleans, some 170, 230, 310 and 320
/// from the loads to the stores: less than half of the 1,130 that an SM may issue while an H100's
/// memory delivers 4 KiB to it (14.5 bytes a clock). At least 3 blocks fit an SM: 96 KiB in flight.
template <class Above>
__global__ void __launch_bounds__(block_threads)
    pack_chunks_kernel(const __grid_constant__ StridedRows z, const Above above,
                       const ChunkStrips<Above> strips, std::uint64_t* words,
                       std::int64_t* first_nan) {
    const std::int64_t count = strips.count();
    for (std::int64_t strip = warp_of_grid(); strip < count; strip += warps_of_grid()) {
        const auto at = strips.at(strip);
        pack_chunks(z, above, at, words + at.row * strips.row_words + at.first_word, first_nan);
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

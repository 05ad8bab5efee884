#include <cmath>
#include <stdexcept>
#include <string>

#include "codes.hpp"
#include "cuda.hpp"
#include "elements.hpp"
#include "geometry.hpp"
#include "runtime.hpp"

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
template <class Above>
__device__ void pack_strip(const StridedRows& z, const Above& above, PackStrips::Strip strip,
                           std::int64_t row_words, std::uint64_t* words, std::int64_t* first_nan) {
    const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
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
    pack_kernel(const __grid_constant__ StridedRows z, const Above above, const PackStrips strips,
                std::uint64_t* words, std::int64_t* first_nan) {
    const std::int64_t warp = static_cast<int>(threadIdx.x) / warp_lanes;
    const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * block_warps;
    const std::int64_t count = strips.count();
    for (std::int64_t strip = static_cast<std::int64_t>(blockIdx.x) * block_warps + warp;
         strip < count; strip += step) {
        pack_strip(z, above, strips.at(strip), strips.row_words, words, first_nan);
    }
}

template <class Above>
void launch_pack(const StridedRows& z, const Above& above, std::uint64_t* words,
                 std::int64_t* first_nan, Stream stream) {
    const PackStrips strips{z.rows, words_for(z.columns)};
    launch("pack", pack_kernel<Above>, ceil_div(strips.count(), block_warps), stream, z, above,
           strips, words, first_nan);
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

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "code_rows.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "require.hpp"
#include "row_lanes.hpp"
#include "runtime.hpp"
#include "warp.hpp"

namespace splinecode::cuda {
namespace {

/// One row of each side; `mask` is read only if there is one.
struct Sides {
    const std::uint64_t* a;
    const std::uint64_t* b;
    const std::uint64_t* mask;
};

template <bool masked>
__device__ bool by_two_words(const Sides& sides) {
    const auto places = reinterpret_cast<std::uintptr_t>(sides.a) |
                        reinterpret_cast<std::uintptr_t>(sides.b) |
                        (masked ? reinterpret_cast<std::uintptr_t>(sides.mask) : 0);
    return places % sizeof(ulonglong2) == 0;
}

template <bool masked>
__device__ int word_distance(const Sides& sides, int word) {
    const std::uint64_t differences = __ldg(sides.a + word) ^ __ldg(sides.b + word);
    return __popcll(masked ? differences & __ldg(sides.mask + word) : differences);
}

__device__ ulonglong2 two_words(const std::uint64_t* from) {
    return __ldg(reinterpret_cast<const ulonglong2*>(from));
}

/// The share of lane `part` of `lanes` in the distance.
template <bool masked>
__device__ int part_of_distance(const Sides& sides, int words, int part, int lanes) {
    int sum = 0;
    int left = part;  // the first word left for single loads
    if (by_two_words<masked>(sides)) {
        for (int word = 2 * part; word + 1 < words; word += 2 * lanes) {
            const ulonglong2 a = two_words(sides.a + word);
            const ulonglong2 b = two_words(sides.b + word);
            const ulonglong2 mask =
                masked ? two_words(sides.mask + word) : ulonglong2{~0ull, ~0ull};
            sum += __popcll((a.x ^ b.x) & mask.x) + __popcll((a.y ^ b.y) & mask.y);
        }
        left = words / 2 * 2 + part;
    }
    for (int word = left; word < words; word += lanes) {
        sum += word_distance<masked>(sides, word);
    }
    return sum;
}

/// `lanes` lanes, a power of two, for each row and layer, the layers of a row in turn.
///
/// Floor: bytes of all sides read once, at the memory's bandwidth. For 4 words of two sides (2 KiB
/// a warp) a lane needs 8 POPC, 16 clocks of an SM a warp, where an H100's memory takes 140; some
/// 150 instructions in all, of the 560 that may be issued in that time. The registers leave room
/// for 48 warps an SM or more, each with 1 KiB in flight.
template <bool masked>
__global__ void __launch_bounds__(block_threads)
    paired_kernel(const CodeRows a, const CodeRows b, const CodeRows mask,
                  const __grid_constant__ LayerRanges layers, int lanes, std::int64_t out_columns,
                  std::int32_t* out) {
    const int lane = lane_of_warp();
    const int part = lane & (lanes - 1);
    const int at_once = warp_lanes / lanes;
    const std::int64_t count = a.rows * layers.count;
    const std::int64_t step = warps_of_grid() * at_once;
    for (std::int64_t first = warp_of_grid() * at_once; first < count; first += step) {
        const std::int64_t pair = first + lane / lanes;
        const std::int64_t row = pair / layers.count;
        const int layer = static_cast<int>(pair - row * layers.count);
        int sum = 0;
        if (pair < count) {
            const std::int64_t begin = layers.begin[layer];
            const Sides sides{a.row(row) + begin, b.row(row) + begin,
                              masked ? mask.row(row) + begin : nullptr};
            sum = part_of_distance<masked>(sides, static_cast<int>(layers.end[layer] - begin), part,
                                           lanes);
        }
        for (int distance = lanes / 2; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(all_lanes, sum, distance);
        }
        if (pair < count && part == 0) {
            out[row * out_columns + layers.column[layer]] = sum;
        }
    }
}

void require_pairs(const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                   const std::vector<WordRange>& layers) {
    constexpr const char* name = "hamming_paired";
    // So that a distance fits an int32.
    constexpr std::int64_t most_words = std::numeric_limits<std::int32_t>::max() / word_bits;
    require_same_width(a, b, name);
    require(a.words <= most_words, name, "the codes have too many words");
    require_same_width(a, mask ? *mask : a, name);
    require(a.rows == b.rows && (!mask || a.rows == mask->rows), name,
            "the sides differ in their number of rows");
    for (const WordRange& layer : layers) {
        require(0 <= layer.begin && layer.begin <= layer.end && layer.end <= a.words, name,
                "a layer's words lie outside the code");
    }
}

}  // namespace

void hamming_paired(const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                    const std::vector<WordRange>& layers, std::int32_t* out, Stream stream) {
    require_pairs(a, b, mask, layers);
    if (a.rows == 0 || layers.empty()) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const auto columns = static_cast<std::int64_t>(layers.size());
    const auto run = [&](LayerRanges& ranges, int lanes) {
        const std::int64_t at_once = block_threads / lanes;
        launch("hamming_paired", mask ? paired_kernel<true> : paired_kernel<false>,
               ceil_div(a.rows * ranges.count, at_once), stream, a, b, mask ? *mask : CodeRows{},
               ranges, lanes, columns, out);
        ranges.count = 0;
    };
    // Apart by the lanes they need, so that narrow layers do not wait for wide ones.
    std::array<LayerRanges, std::bit_width(unsigned{warp_lanes})> by_lanes;
    for (std::int64_t column = 0; column < columns; ++column) {
        const WordRange range = layers[static_cast<std::size_t>(column)];
        const int lanes = lanes_for(range.end - range.begin);
        LayerRanges& ranges = by_lanes[std::bit_width(static_cast<unsigned>(lanes)) - 1];
        ranges.add(range.begin, range.end, column);
        if (ranges.full()) {
            run(ranges, lanes);
        }
    }
    for (std::size_t i = 0; i < by_lanes.size(); ++i) {
        if (by_lanes[i].count > 0) {
            run(by_lanes[i], 1 << i);
        }
    }
}

}  // namespace splinecode::cuda

#include "sweep_union.hpp"

#include <cuda_runtime.h>

#include <cstdint>

#include "geometry.hpp"
#include "runtime.hpp"
#include "warp.hpp"

/// Unions of the knots of lists by sets of bits.
namespace splinecode::cuda {
namespace {

/// Enough to fill a multiprocessor.
constexpr std::int64_t multiprocessor_warps = 64;

/// A warp a part of a list: 32 rows at a time, of every `parts` times 32. Floor: 8 bytes a row; a
/// row costs a binary search and an atomic.
__global__ void __launch_bounds__(block_threads)
    mark_knots_kernel(const ListTable table, const CellPairs pairs, const KnotWords layout,
                      const double* t, std::uint64_t* words, std::int64_t parts) {
    const std::int64_t work = pairs.pairs * layout.tracks * parts;
    for (std::int64_t warp = warp_of_grid(); warp < work; warp += warps_of_grid()) {
        const std::int64_t part = warp % parts;
        const std::int64_t pair = warp / parts / layout.tracks;
        const std::int64_t track = warp / parts % layout.tracks;
        const std::int64_t list = pairs.cell[pair] * layout.tracks + track;
        const std::int64_t count = table.count[list];
        const double* const from = table.knots(list);
        const double* const knots = t + layout.begin[track];
        const std::int64_t n = layout.begin[track + 1] - layout.begin[track];
        std::uint64_t* const set =
            words + layout.first_of_list(pairs.out[pair] * layout.tracks + track);
        for (std::int64_t i = part * warp_lanes + lane_of_warp(); i < count;
             i += parts * warp_lanes) {
            const std::int64_t position = position_of_row(knots, n, from, count, i);
            atomicOr(reinterpret_cast<unsigned long long*>(set + position / KnotWords::word_bits),
                     1ull << (position % KnotWords::word_bits));
        }
    }
}

/// A thread a word. Floor: 16 bytes a word.
__global__ void __launch_bounds__(block_threads)
    count_knots_kernel(const std::uint64_t* words, std::int64_t n, std::int64_t* counts) {
    for (std::int64_t w = thread_of_grid(); w < n; w += threads_of_grid()) {
        counts[w] = __popcll(words[w]);
    }
}

/// A word that has knots, and where they are and go to.
struct MarkedWord {
    std::uint64_t bits;
    std::int64_t row;   // of the first
    std::int64_t knot;  // of bit 0, in the table
    std::int32_t list;
};

__device__ MarkedWord marked_word(const MarkedKnots& marked, const KnotWords& layout,
                                  std::int64_t word) {
    const std::int64_t cell = word / layout.per_cell();
    const std::int64_t within = word - cell * layout.per_cell();
    const std::int64_t track = layout.track_at(within);
    return {marked.words[word], marked.row[word],
            layout.begin[track] + (within - layout.first_of(track)) * KnotWords::word_bits,
            static_cast<std::int32_t>(cell * layout.tracks + track)};
}

/// What lane `from` of the warp has. All lanes call.
__device__ MarkedWord of_lane(const MarkedWord& word, int from) {
    const auto lane = static_cast<unsigned>(from);
    return {__shfl_sync(all_lanes, word.bits, lane), __shfl_sync(all_lanes, word.row, lane),
            __shfl_sync(all_lanes, word.knot, lane), __shfl_sync(all_lanes, word.list, lane)};
}

/// Lanes over the bits.
__device__ void write_word(const MarkedWord& word, const double* t, const KnotRows& to) {
    for (int bit = lane_of_warp(); bit < KnotWords::word_bits; bit += warp_lanes) {
        if (word.bits >> bit & 1) {
            const std::int64_t row = word.row + __popcll(word.bits & ((1ull << bit) - 1));
            to.t[row] = t[word.knot + bit];
            to.row_list[row] = word.list;
        }
    }
}

/// A warp 32 words: a lane each finds where its word's knots are and go to, then all write one
/// word's after the other's, so that neither sparse nor dense words leave lanes behind. Floor: 16
/// bytes a word, 20 a row.
__global__ void __launch_bounds__(block_threads)
    write_knots_kernel(const MarkedKnots marked, const KnotWords layout, const double* t,
                       const KnotRows to) {
    const std::int64_t words = marked.cells * layout.per_cell();
    for (std::int64_t warp = warp_of_grid(); warp * warp_lanes < words; warp += warps_of_grid()) {
        const std::int64_t word = warp * warp_lanes + lane_of_warp();
        const bool some = word < words && marked.words[word] != 0;
        const MarkedWord mine = some ? marked_word(marked, layout, word) : MarkedWord{};
        for (unsigned left = __ballot_sync(all_lanes, some); left != 0; left &= left - 1) {
            write_word(of_lane(mine, __ffs(static_cast<int>(left)) - 1), t, to);
        }
    }
    const std::int64_t lists = marked.cells * layout.tracks;
    for (std::int64_t list = thread_of_grid(); list <= lists; list += threads_of_grid()) {
        to.begin[list] = marked.row[layout.first_of_list(list)];
    }
}

}  // namespace

void mark_knots(const ListTable& table, const CellPairs& pairs, const KnotWords& layout,
                const double* t, std::uint64_t* words, Stream stream) {
    const std::int64_t lists = pairs.pairs * layout.tracks;
    if (lists == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const std::int64_t enough = multiprocessor_warps * device_of(stream.device).multiprocessors;
    const std::int64_t parts = ceil_div(enough, lists);
    launch("mark_knots", mark_knots_kernel, ceil_div(lists * parts, block_warps), stream, table,
           pairs, layout, t, words, parts);
}

void count_knots(const std::uint64_t* words, std::int64_t n, std::int64_t* counts, Stream stream) {
    if (n == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("count_knots", count_knots_kernel, ceil_div(n, block_threads), stream, words, n, counts);
}

void write_knots(const MarkedKnots& marked, const KnotWords& layout, const double* t,
                 const KnotRows& to, Stream stream) {
    const std::int64_t words = marked.cells * layout.per_cell();
    if (words == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("write_knots", write_knots_kernel, ceil_div(words, block_threads), stream, marked,
           layout, t, to);
}

}  // namespace splinecode::cuda

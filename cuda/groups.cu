#include "groups.hpp"

#include <cstdint>

#include "code_rows.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "require.hpp"
#include "row_groups.hpp"
#include "runtime.hpp"
#include "warp.hpp"

/// reduce_differences in chunks of rows of one size, whatever the sizes of the groups. A group that
/// lies in one chunk is reduced by it alone; the chunks of any other bring their parts together by
/// atomic OR or AND, whose results do not depend on the order.
namespace splinecode::cuda {
namespace {

struct Groups {
    CodeRows rows;
    CodeRows reference;
    bool own;  // the reference is the group's first row, which is none of those compared
    const std::int64_t* offsets;
    std::int64_t count;
    std::int64_t chunk_rows;

    __device__ const std::uint64_t* reference_of(std::int64_t group) const {
        return own ? rows.row(offsets[group]) : reference.row(group);
    }
};

template <Flipped flipped>
__device__ std::uint64_t nothing() {
    return flipped == Flipped::all ? ~std::uint64_t{0} : 0;
}

template <Flipped flipped>
__device__ void bring(std::uint64_t* to, std::uint64_t differences) {
    auto* const word = reinterpret_cast<unsigned long long*>(to);
    if constexpr (flipped == Flipped::any) {
        atomicOr(word, differences);
    } else {
        atomicAnd(word, differences);
    }
}

/// Where no chunk stores a result: groups in which no row is compared, and those of several chunks.
template <Flipped flipped>
__global__ void __launch_bounds__(block_threads)
    begin_kernel(const __grid_constant__ Groups groups, std::uint64_t* out) {
    const std::int64_t words = groups.rows.words;
    const std::int64_t count = groups.count * words;
    for (std::int64_t i = thread_of_grid(); i < count; i += threads_of_grid()) {
        const std::int64_t begin = groups.offsets[i / words];
        const std::int64_t end = groups.offsets[i / words + 1];
        const bool compares = end - begin > (groups.own ? 1 : 0);
        if (!compares || !in_one_chunk(begin, end, groups.chunk_rows)) {
            out[i] = compares ? nothing<flipped>() : 0;
        }
    }
}

/// Reduces word `word` of the rows [begin, end) of one chunk.
template <Flipped flipped>
__device__ void reduce_chunk(const Groups& groups, std::int64_t word, std::int64_t begin,
                             std::int64_t end, std::uint64_t* out) {
    const std::int64_t* const offsets = groups.offsets;
    std::int64_t group = group_of(offsets, groups.count, begin);
    for (std::int64_t row = begin;;) {
        const std::int64_t group_begin = offsets[group];
        const std::int64_t group_end = offsets[group + 1];
        const std::int64_t stop = group_end < end ? group_end : end;
        row += groups.own && row == group_begin ? 1 : 0;
        if (row < stop) {
            const std::uint64_t reference = groups.reference_of(group)[word];
            std::uint64_t reduced = nothing<flipped>();
#pragma unroll 4
            for (; row < stop; ++row) {
                const std::uint64_t differences = reference ^ __ldg(groups.rows.row(row) + word);
                reduced = flipped == Flipped::any ? reduced | differences : reduced & differences;
            }
            std::uint64_t* const to = out + group * groups.rows.words + word;
            if (in_one_chunk(group_begin, group_end, groups.chunk_rows)) {
                *to = reduced;
            } else {
                bring<flipped>(to, reduced);
            }
        }
        if (stop == end) {
            return;
        }
        group = group_after(offsets, groups.count, group, stop);
    }
}

/// A thread per chunk and word, the words of a chunk side by side. Floor: bytes of the rows read
/// once and of the results written once, at the memory's bandwidth; codes of fewer than 4 words
/// read their 32-byte sectors from the first cache again.
template <Flipped flipped>
__global__ void __launch_bounds__(block_threads)
    reduce_kernel(const __grid_constant__ Groups groups, std::uint64_t* out) {
    const CodeRows& rows = groups.rows;
    const std::int64_t count = ceil_div(rows.rows, groups.chunk_rows) * rows.words;
    for (std::int64_t i = thread_of_grid(); i < count; i += threads_of_grid()) {
        const std::int64_t begin = i / rows.words * groups.chunk_rows;
        const std::int64_t left = rows.rows - begin;
        reduce_chunk<flipped>(groups, i % rows.words, begin,
                              begin + (left < groups.chunk_rows ? left : groups.chunk_rows), out);
    }
}

template <Flipped flipped>
void launch_reduction(const Groups& groups, std::uint64_t* out, Stream stream) {
    const CodeRows& rows = groups.rows;
    launch("reduce_differences: begin", begin_kernel<flipped>,
           ceil_div(groups.count * rows.words, block_threads), stream, groups, out);
    if (rows.rows > 0) {
        const std::int64_t chunks = ceil_div(rows.rows, groups.chunk_rows);
        launch("reduce_differences", reduce_kernel<flipped>,
               ceil_div(chunks * rows.words, block_threads), stream, groups, out);
    }
}

}  // namespace

void reduce_differences(const CodeRows& rows, const std::int64_t* offsets, std::int64_t groups,
                        const CodeRows* reference, Flipped flipped, std::uint64_t* out,
                        Stream stream) {
    constexpr const char* name = "reduce_differences";
    require_same_width(rows, reference ? *reference : rows, name);
    require(groups >= 0 && (!reference || reference->rows == groups), name,
            "the number of groups is negative or not that of the references");
    require(groups > 0 || rows.rows == 0, name, "there are rows but no groups");
    if (groups == 0 || rows.words == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    const Groups all{rows,   reference ? *reference : CodeRows{},  reference == nullptr, offsets,
                     groups, chunk_rows_for(rows.rows, rows.words)};
    if (flipped == Flipped::any) {
        launch_reduction<Flipped::any>(all, out, stream);
    } else {
        launch_reduction<Flipped::all>(all, out, stream);
    }
}

}  // namespace splinecode::cuda

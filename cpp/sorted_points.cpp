#include "sorted_points.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <tuple>

namespace splinecode {
namespace {

/// Points are sorted by clusters of about this many, so that those of a block are alike.
constexpr std::int64_t cluster_points = 128;
constexpr std::int64_t most_clusters = 512;

std::int64_t cluster_count(std::int64_t points) {
    return std::clamp<std::int64_t>(points / cluster_points, 1, most_clusters);
}

}  // namespace

SortedPoints::SortedPoints(const CodeRows& codes, const Partition& partition,
                           const std::vector<std::int32_t>& reach, const Interrupt& interrupt)
    : original_(static_cast<std::size_t>(codes.rows)) {
    if (codes.rows >> 32 != 0) {
        throw std::length_error("a spanning tree takes fewer than 2^32 codes");
    }
    const BitOrder order(codes, interrupt);
    const std::int64_t words = order.words();
    std::vector<std::uint64_t> unsorted(static_cast<std::size_t>(codes.rows * words));
    order.apply(codes, unsorted.data(), interrupt);
    const CodeRows rows{unsorted.data(), codes.rows, words, words};
    if (words > 0 && 64 * words <= static_cast<std::int64_t>(lookup::most_bits)) {
        centers_.emplace(rows, cluster_count(codes.rows), interrupt);
    }
    const Assignment alike = assigned(rows, interrupt);
    sort(partition, alike);
    words_.reserve(unsorted.size());
    for (const std::size_t point : original_) {
        const std::uint64_t* const code = rows.row(static_cast<std::int64_t>(point));
        words_.insert(words_.end(), code, code + words);
        component_.push_back(partition.component[point]);
        reach_.push_back(reach[point]);
        alike_.cluster.push_back(alike.cluster[point]);
        alike_.distance.push_back(alike.distance[point]);
        alike_.rest.push_back(alike.rest[point]);
    }
    codes_ = {words_.data(), codes.rows, words, words};
}

Assignment SortedPoints::assigned(const CodeRows& rows, const Interrupt& interrupt) const {
    if (!centers_) {
        const std::vector<std::uint16_t> none(static_cast<std::size_t>(rows.rows));
        return {none, none, none};
    }
    return centers_->assign(rows, head_chunks, interrupt);
}

void SortedPoints::sort(const Partition& partition, const Assignment& alike) {
    std::iota(original_.begin(), original_.end(), std::size_t{0});
    const auto key = [&](std::size_t point) {
        return std::tuple(partition.component[point], alike.cluster[point], alike.distance[point],
                          point);
    };
    std::sort(original_.begin(), original_.end(),
              [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
}

}  // namespace splinecode

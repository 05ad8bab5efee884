#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bit_order.hpp"
#include "clusters.hpp"
#include "edge_keepers.hpp"
#include "lookup.hpp"

/// The order in which a search between components meets the points.
namespace splinecode {

/// Points sorted by (component, what is alike), their codes with the most variable bits first. A
/// position counts them.
class SortedPoints {
public:
    /// The head: the chunks compared first, two settlings of the most variable bits.
    static constexpr std::size_t head_chunks = 2 * lookup::chunks_per_settling;

    /// Throws std::length_error for 2^32 codes or more. O(rows * words), and up to 512 distances a
    /// point to find its cluster.
    SortedPoints(const CodeRows& codes, const Partition& partition,
                 const std::vector<std::int32_t>& reach, const Interrupt& interrupt);

    std::size_t size() const { return original_.size(); }
    const CodeRows& codes() const { return codes_; }
    std::int64_t original(std::size_t at) const { return static_cast<std::int64_t>(original_[at]); }
    std::int64_t component(std::size_t at) const { return component_[at]; }
    std::int32_t reach(std::size_t at) const { return reach_[at]; }
    /// The centres of clusters, unless codes are too wide: then there are none.
    CodeRows centers() const { return centers_ ? centers_->rows() : CodeRows{}; }
    /// The cluster of each position, its distance to the centre and what of it lies beyond the
    /// head.
    const Assignment& alike() const { return alike_; }

private:
    Assignment assigned(const CodeRows& rows, const Interrupt& interrupt) const;
    void sort(const Partition& partition, const Assignment& alike);

    std::vector<std::size_t> original_;
    std::vector<std::uint64_t> words_;
    std::vector<std::int64_t> component_;
    std::vector<std::int32_t> reach_;
    CodeRows codes_;
    std::optional<Centers> centers_;
    Assignment alike_;
};

/// Some of the sorted points, by their positions; those of a component are a run.
class Sequence {
public:
    struct Run {
        std::int64_t component;
        std::size_t begin, end;
    };

    void add(std::uint32_t point, std::int64_t component) {
        if (runs_.empty() || runs_.back().component != component) {
            runs_.push_back({component, points_.size(), points_.size()});
        }
        points_.push_back(point);
        run_.push_back(static_cast<std::uint32_t>(runs_.size() - 1));
        ++runs_.back().end;
    }

    std::size_t size() const { return points_.size(); }
    std::uint32_t point(std::size_t at) const { return points_[at]; }
    std::size_t run_of(std::size_t at) const { return run_[at]; }
    const std::vector<Run>& runs() const { return runs_; }

private:
    std::vector<std::uint32_t> points_, run_;
    std::vector<Run> runs_;
};

}  // namespace splinecode

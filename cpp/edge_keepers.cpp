#include "edge_keepers.hpp"

#include <algorithm>
#include <numeric>

namespace splinecode {
namespace {

/// Limits are lowered each time this share of the pairs found a lesser edge.
constexpr std::int64_t takings_share = 8;

}  // namespace

bool LeastEdge::take(const Edge& edge) {
    if (edge < edge_) {
        edge_ = edge;
        lower(edge.weight);
        return true;
    }
    return false;
}

void LeastEdge::lower(std::int32_t limit) {
    limit_.store(std::min(limit, this->limit()), std::memory_order_relaxed);
}

LeastOfPairs::LeastOfPairs(std::int64_t components)
    : components_(components), least_(static_cast<std::size_t>(pairs(components))) {}

std::size_t LeastOfPairs::place(std::int64_t a, std::int64_t b) {
    return static_cast<std::size_t>(pairs(std::max(a, b)) + std::min(a, b));
}

std::int32_t LeastOfPairs::limit(std::int64_t a, std::int64_t b) const {
    return least_[place(a, b)].limit();
}

void LeastOfPairs::offer(std::int64_t a, std::int64_t b, const Edge& edge) {
    const std::lock_guard lock(mutex_);
    // Lowering costs two steps a pair: a few times what was taken.
    if (least_[place(a, b)].take(edge) && ++taken_ > pairs(components_) / takings_share) {
        lower_to_paths();
    }
}

void LeastOfPairs::highest_limits(const std::vector<std::int64_t>& of,
                                  const std::vector<std::int64_t>& to,
                                  std::vector<std::int32_t>& limits) const {
    limits.assign(of.size(), -1);
    for (std::size_t i = 0; i < of.size(); ++i) {
        for (const std::int64_t b : to) {
            if (b != of[i]) {
                limits[i] = std::max(limits[i], limit(of[i], b));
            }
        }
    }
}

void LeastOfPairs::tighten() {
    const std::lock_guard lock(mutex_);
    lower_to_paths();
}

/// Lowers the limit of every pair to the heaviest edge on its path in the minimum spanning tree of
/// the limits, by Prim's algorithm. An edge of the tree of all points is never heavier than that.
void LeastOfPairs::lower_to_paths() {
    taken_ = 0;
    const auto count = static_cast<std::size_t>(components_);
    std::vector<std::int32_t> nearest(count, INT32_MAX);
    std::vector<std::int64_t> parent(count, 0);
    std::vector<std::int64_t> inside{0};
    std::vector<std::int64_t> outside(count - 1);
    std::iota(outside.begin(), outside.end(), std::int64_t{1});
    while (!outside.empty()) {
        for (const std::int64_t c : outside) {
            const std::int32_t weight = limit(c, inside.back());
            if (weight < nearest[static_cast<std::size_t>(c)]) {
                nearest[static_cast<std::size_t>(c)] = weight;
                parent[static_cast<std::size_t>(c)] = inside.back();
            }
        }
        const auto next = std::min_element(outside.begin(), outside.end(), [&](auto a, auto b) {
            return nearest[static_cast<std::size_t>(a)] < nearest[static_cast<std::size_t>(b)];
        });
        const std::int64_t added = *next;
        const std::int64_t from = parent[static_cast<std::size_t>(added)];
        const std::int32_t weight = nearest[static_cast<std::size_t>(added)];
        for (const std::int64_t c : inside) {
            if (c != from) {
                least_[place(c, added)].lower(std::max(limit(c, from), weight));
            }
        }
        inside.push_back(added);
        *next = outside.back();
        outside.pop_back();
    }
}

std::vector<Edge> LeastOfPairs::edges() const {
    std::vector<Edge> found;
    found.reserve(least_.size());
    for (const LeastEdge& least : least_) {
        if (least.found()) {
            found.push_back(least.edge());
        }
    }
    return found;
}

LeastOfComponents::LeastOfComponents(const Partition& partition)
    : least_(static_cast<std::size_t>(partition.count)) {
    std::vector<std::int64_t> sizes(least_.size());
    for (const std::int64_t component : partition.component) {
        ++sizes[static_cast<std::size_t>(component)];
    }
    largest_ = std::max_element(sizes.begin(), sizes.end()) - sizes.begin();
}

std::int32_t LeastOfComponents::limit_of(std::int64_t component) const {
    return component == largest_ ? -1 : least_[static_cast<std::size_t>(component)].limit();
}

std::int32_t LeastOfComponents::limit(std::int64_t a, std::int64_t b) const {
    return std::max(limit_of(a), limit_of(b));
}

void LeastOfComponents::offer(std::int64_t a, std::int64_t b, const Edge& edge) {
    const std::lock_guard lock(mutex_);
    least_[static_cast<std::size_t>(a)].take(edge);
    least_[static_cast<std::size_t>(b)].take(edge);
}

void LeastOfComponents::highest_limits(const std::vector<std::int64_t>& of,
                                       const std::vector<std::int64_t>& to,
                                       std::vector<std::int32_t>& limits) const {
    // The component in `to` of the highest limit, and the highest of the others.
    std::int64_t highest = -1;
    std::int32_t first = -1;
    std::int32_t second = -1;
    bool others = false;
    for (const std::int64_t b : to) {
        const std::int32_t its = limit_of(b);
        if (highest < 0 || its > first) {
            second = std::max(second, first);
            first = its;
            others = others || highest >= 0;
            highest = b;
        } else {
            second = std::max(second, its);
            others = true;
        }
    }
    limits.assign(of.size(), -1);
    for (std::size_t i = 0; i < of.size(); ++i) {
        if (highest >= 0 && (highest != of[i] || others)) {
            limits[i] = std::max(limit_of(of[i]), of[i] == highest ? second : first);
        }
    }
}

std::vector<Edge> LeastOfComponents::edges() const {
    std::vector<Edge> all;
    for (std::size_t component = 0; component < least_.size(); ++component) {
        if (static_cast<std::int64_t>(component) != largest_) {
            all.push_back(least_[component].edge());
        }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

}  // namespace splinecode

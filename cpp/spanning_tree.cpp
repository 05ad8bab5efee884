#include "spanning_tree.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>

#include "component_search.hpp"

namespace splinecode {
namespace {

/// Points joined by the edges taken so far.
class Forest {
public:
    explicit Forest(std::int64_t points)
        : parent_(static_cast<std::size_t>(points)), components_(points) {
        std::iota(parent_.begin(), parent_.end(), std::int64_t{0});
    }

    std::int64_t components() const { return components_; }

    /// Takes an edge unless its ends are joined already; whether it was taken.
    bool join(const Edge& edge) {
        const std::int64_t a = root(edge.low);
        const std::int64_t b = root(edge.high);
        if (a == b) {
            return false;
        }
        parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
        --components_;
        edges_.push_back(edge);
        return true;
    }

    Partition partition() {
        Partition result{std::vector<std::int64_t>(parent_.size()), 0};
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            // A root is the least of its points, so it has its number before they ask for it.
            const std::int64_t top = root(static_cast<std::int64_t>(i));
            result.component[i] = top == static_cast<std::int64_t>(i)
                                      ? result.count++
                                      : result.component[static_cast<std::size_t>(top)];
        }
        return result;
    }

    std::vector<Edge> sorted_edges() && {
        std::sort(edges_.begin(), edges_.end());
        return std::move(edges_);
    }

private:
    std::int64_t root(std::int64_t i) {
        while (parent_[static_cast<std::size_t>(i)] != i) {
            std::int64_t& up = parent_[static_cast<std::size_t>(i)];
            up = parent_[static_cast<std::size_t>(up)];
            i = up;
        }
        return i;
    }

    std::vector<std::int64_t> parent_;
    std::int64_t components_;
    std::vector<Edge> edges_;
};

/// The edges known from the lists, and for each point a bound below which no other edge of it lies.
class KnownEdges {
public:
    KnownEdges(const Points& points, const NearestLists& lists)
        : points_(points), k_(lists.k), links_(static_cast<std::size_t>(points.codes.rows * k_)) {
        for (std::int64_t i = 0; i < points.codes.rows; ++i) {
            bounds_.push_back(bound(i, lists));
            reach_.push_back(bounds_.back().weight);
            Link* const first = links_.data() + i * k_;
            for (std::int64_t at = 0; at < k_; ++at) {
                const std::int32_t distance = lists.distances[i * k_ + at];
                const std::int64_t other = lists.indices[i * k_ + at];
                first[at] = {points.edge(i, other, distance).weight, distance, other};
            }
            std::sort(first, first + k_);
        }
        next_.assign(reach_.size(), 0);
    }

    /// No edge of point i that is lighter than this is unknown.
    const std::vector<std::int32_t>& reach() const { return reach_; }
    /// Every unknown edge of point i lies above this one.
    const Edge& bound(std::int64_t i) const { return bounds_[static_cast<std::size_t>(i)]; }

    /// The least known edge of point i that leaves its component. Components must only grow from
    /// call to call.
    std::optional<Edge> least_leaving(std::int64_t i, const Partition& partition) {
        std::int64_t& at = next_[static_cast<std::size_t>(i)];
        const std::int64_t own = partition.component[static_cast<std::size_t>(i)];
        for (; at < k_; ++at) {
            const Link& link = links_[static_cast<std::size_t>(i * k_ + at)];
            if (partition.component[static_cast<std::size_t>(link.other)] != own) {
                return points_.edge(i, link.other, link.distance);
            }
        }
        return std::nullopt;
    }

    /// Offers all known edges between components.
    void offer_to(EdgeKeeper& keeper, const Partition& partition) const {
        for (std::size_t at = 0; at < links_.size(); ++at) {
            const auto i = static_cast<std::int64_t>(at) / k_;
            const std::int64_t a = partition.component[static_cast<std::size_t>(i)];
            const std::int64_t b = partition.component[static_cast<std::size_t>(links_[at].other)];
            if (a != b) {
                keeper.offer(a, b, points_.edge(i, links_[at].other, links_[at].distance));
            }
        }
    }

private:
    /// For one point, the order of links is that of their edges.
    struct Link {
        std::int32_t weight = 0;
        std::int32_t distance = 0;
        std::int64_t other = 0;
        auto operator<=>(const Link&) const = default;
    };

    /// A code that is not in the list of i comes after its last entry by (distance, index).
    Edge bound(std::int64_t i, const NearestLists& lists) const {
        if (k_ >= points_.codes.rows - 1) {
            return {INT32_MAX, INT32_MAX, INT64_MAX, INT64_MAX};
        }
        const std::int32_t distance = k_ ? lists.distances[(i + 1) * k_ - 1] : 0;
        const std::int64_t after = k_ ? lists.indices[(i + 1) * k_ - 1] + 1 : 0;
        return {std::max(points_.core[i], distance), distance, std::min(i, after),
                std::max(i, after)};
    }

    const Points& points_;
    std::int64_t k_;
    std::vector<Link> links_;
    std::vector<Edge> bounds_;
    std::vector<std::int32_t> reach_;
    std::vector<std::int64_t> next_;  // links before it stay within the component
};

/// Joins every component whose least edge the known ones prove. Whether any was joined.
bool join_proven(Forest& forest, KnownEdges& known, const Partition& partition) {
    constexpr Edge none{INT32_MAX, INT32_MAX, INT64_MAX, INT64_MAX};
    const auto count = static_cast<std::size_t>(partition.count);
    std::vector<Edge> least(count, none);
    std::vector<Edge> unknown(count, none);  // every edge not known lies above it
    for (std::size_t i = 0; i < partition.component.size(); ++i) {
        const auto point = static_cast<std::int64_t>(i);
        const auto own = static_cast<std::size_t>(partition.component[i]);
        const std::optional<Edge> edge = known.least_leaving(point, partition);
        if (edge) {
            const std::int64_t other = edge->low == point ? edge->high : edge->low;
            const std::int64_t its = partition.component[static_cast<std::size_t>(other)];
            least[own] = std::min(least[own], *edge);
            least[static_cast<std::size_t>(its)] =
                std::min(least[static_cast<std::size_t>(its)], *edge);
        }
        if (!edge || *edge > known.bound(point)) {
            unknown[own] = std::min(unknown[own], known.bound(point));
        }
    }
    bool joined = false;
    for (std::size_t c = 0; c < count; ++c) {
        if (least[c] < none && least[c] <= unknown[c]) {
            joined = forest.join(least[c]) || joined;
        }
    }
    return joined;
}

/// Searches the codes for the least edges between components and joins by them: all of them where
/// a table of all pairs of components takes no more memory than the lists, else one of each.
void join_searched(Forest& forest, const KnownEdges& known, const Partition& partition,
                   const Points& points, std::int64_t k, const Interrupt& interrupt) {
    const std::int64_t affordable = std::max<std::int64_t>(1 << 12, points.codes.rows * k / 2);
    std::unique_ptr<EdgeKeeper> keeper;
    if (LeastOfPairs::pairs(partition.count) <= affordable) {
        keeper = std::make_unique<LeastOfPairs>(partition.count);
    } else {
        keeper = std::make_unique<LeastOfComponents>(partition);
    }
    known.offer_to(*keeper, partition);
    search_between(points, partition, known.reach(), *keeper, interrupt);
    std::vector<Edge> edges = keeper->edges();
    std::sort(edges.begin(), edges.end());
    for (const Edge& edge : edges) {
        forest.join(edge);
    }
}

}  // namespace

std::vector<Edge> spanning_tree(const CodeRows& codes, const std::int32_t* core,
                                const NearestLists& lists, const Interrupt& interrupt) {
    const Points points{codes, core};
    KnownEdges known(points, lists);
    Forest forest(codes.rows);
    while (forest.components() > 1) {
        const Partition partition = forest.partition();
        if (!join_proven(forest, known, partition)) {
            join_searched(forest, known, partition, points, lists.k, interrupt);
        }
        if (interrupt && interrupt()) {
            throw Interrupted();
        }
    }
    return std::move(forest).sorted_edges();
}

}  // namespace splinecode

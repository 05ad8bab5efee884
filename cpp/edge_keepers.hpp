#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "spanning_tree.hpp"

/// What a search for short edges between the components of a forest keeps of them.
namespace splinecode {

/// The points 0 .. component.size() - 1 in `count` components, numbered from 0.
struct Partition {
    std::vector<std::int64_t> component;
    std::int64_t count = 0;
};

/// Keeps the least edges offered. Threads may call all of it at once; what is kept in the end does
/// not depend on their order.
class EdgeKeeper {
public:
    virtual ~EdgeKeeper() = default;
    /// No heavier edge between components a and b is wanted; falls as edges are offered. -1: none.
    virtual std::int32_t limit(std::int64_t a, std::int64_t b) const = 0;
    virtual void offer(std::int64_t a, std::int64_t b, const Edge& edge) = 0;
    /// limits[i] = the highest limit of an edge between component of[i] and another one in `to`, or
    /// -1 for none. O(of * to) at most.
    virtual void highest_limits(const std::vector<std::int64_t>& of,
                                const std::vector<std::int64_t>& to,
                                std::vector<std::int32_t>& limits) const = 0;
    /// Lowers the limits to what the edges offered so far allow.
    virtual void tighten() {}
    /// The edges kept, each once.
    virtual std::vector<Edge> edges() const = 0;
};

/// The least edge at hand for a subject, and a limit that can be read without a lock.
class LeastEdge {
public:
    std::int32_t limit() const { return limit_.load(std::memory_order_relaxed); }
    bool found() const { return edge_.weight != none; }
    const Edge& edge() const { return edge_; }
    /// Both: the caller keeps other writers out.
    bool take(const Edge& edge);  // whether it was less
    void lower(std::int32_t limit);

private:
    static constexpr std::int32_t none = INT32_MAX;
    std::atomic<std::int32_t> limit_{none};
    Edge edge_{none, none, INT64_MAX, INT64_MAX};
};

/// Keeps the least edges of pairs of components: all that joins every component to every other at
/// least weight. A pair that other edges join by a path of lighter ones is not looked at further,
/// so for such a pair no edge or not the least may be kept.
class LeastOfPairs final : public EdgeKeeper {
public:
    explicit LeastOfPairs(std::int64_t components);
    static std::int64_t pairs(std::int64_t components) { return components * (components - 1) / 2; }
    std::int32_t limit(std::int64_t a, std::int64_t b) const override;
    void offer(std::int64_t a, std::int64_t b, const Edge& edge) override;
    void highest_limits(const std::vector<std::int64_t>& of, const std::vector<std::int64_t>& to,
                        std::vector<std::int32_t>& limits) const override;
    void tighten() override;
    std::vector<Edge> edges() const override;

private:
    static std::size_t place(std::int64_t a, std::int64_t b);
    void lower_to_paths();

    std::int64_t components_;
    std::vector<LeastEdge> least_;
    std::int64_t taken_ = 0;  // since the limits were tightened
    std::mutex mutex_;
};

/// Keeps the least edge out of every component but the largest one, which is not worth the search:
/// the others' edges reach it.
class LeastOfComponents final : public EdgeKeeper {
public:
    explicit LeastOfComponents(const Partition& partition);
    std::int32_t limit(std::int64_t a, std::int64_t b) const override;
    void offer(std::int64_t a, std::int64_t b, const Edge& edge) override;
    void highest_limits(const std::vector<std::int64_t>& of, const std::vector<std::int64_t>& to,
                        std::vector<std::int32_t>& limits) const override;
    std::vector<Edge> edges() const override;

private:
    std::int32_t limit_of(std::int64_t component) const;
    std::vector<LeastEdge> least_;
    std::int64_t largest_;
    std::mutex mutex_;
};

}  // namespace splinecode

#pragma once

#include <cstdint>

#include "sweep/host_device.hpp"

/// Knots that roots of a group are taken to be, found by t.
namespace splinecode::sweep {

/// A knot that roots may be taken to be: one that there was, or one of the group's roots.
struct Leader {
    double t;
    double snap;
};

/// A leader that roots follow, as a node of a LeaderTree.
struct FollowedLeader {
    Leader at;
    std::int32_t number;
    std::int32_t followers;
    std::int32_t lower;   // child of a smaller t, or LeaderTree::none
    std::int32_t higher;  // child of a t that is not smaller
    std::int32_t next;    // in order of t
};

/// Leaders in order of t: a binary tree that is not balanced, as leaders come by their snaps, which
/// do not follow t; and a list of them all. Nodes gives room: node(j), a reference.
///
/// O(log n) to find or to add one of n that come in no order of t, else O(n).
template <class Nodes>
class LeaderTree {
public:
    static constexpr std::int32_t none = -1;

    SPLINECODE_HOST_DEVICE explicit LeaderTree(Nodes& nodes) : nodes_(nodes) {}

    SPLINECODE_HOST_DEVICE FollowedLeader& node(std::int32_t j) const { return nodes_.node(j); }

    /// The first leader, by t, for whose t `reached` holds; it holds for all that follow. Or none.
    template <class Reached>
    SPLINECODE_HOST_DEVICE std::int32_t first(const Reached& reached) const {
        std::int32_t found = none;
        for (std::int32_t j = root(); j != none;) {
            if (reached(node(j).at.t)) {
                found = j;
                j = node(j).lower;
            } else {
                j = node(j).higher;
            }
        }
        return found;
    }

    /// One more root follows the leader `number` at a place. Returns how many do.
    SPLINECODE_HOST_DEVICE std::int32_t follow(std::int32_t number, const Leader& at) {
        std::int32_t parent = none;
        std::int32_t before = none;  // the last one that comes before it
        for (std::int32_t j = root(); j != none;) {
            FollowedLeader& passed = node(j);
            if (passed.number == number) {
                return ++passed.followers;
            }
            parent = j;
            before = at.t < passed.at.t ? before : j;
            j = at.t < passed.at.t ? passed.lower : passed.higher;
        }
        add(number, at, parent, before);
        return 1;
    }

private:
    SPLINECODE_HOST_DEVICE std::int32_t root() const { return count_ > 0 ? 0 : none; }

    SPLINECODE_HOST_DEVICE void add(std::int32_t number, const Leader& at, std::int32_t parent,
                                    std::int32_t before) {
        if (parent != none) {
            (parent == before ? node(parent).higher : node(parent).lower) = count_;
        }
        const std::int32_t next = before == none ? first_ : node(before).next;
        if (before == none) {
            first_ = count_;
        } else {
            node(before).next = count_;
        }
        node(count_) = {at, number, 1, none, none, next};
        ++count_;
    }

    Nodes& nodes_;
    std::int32_t first_ = none;
    std::int32_t count_ = 0;
};

}  // namespace splinecode::sweep

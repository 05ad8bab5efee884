#pragma once

#include <cmath>
#include <cstdint>

#include "sweep/leader_tree.hpp"
#include "sweep/root.hpp"

/// Which of a layer's roots are one point, decided a group at a time: a group is a longest run of
/// roots whose ranges t +- snap form one.
namespace splinecode::sweep {

/// What settling a group decided besides the t of its roots. A root at a knot is never joined to
/// another: it is ambiguous by itself, within its error.
struct GroupSettled {
    bool joined = false;  // some roots were taken to be one: the range is ambiguous
    Range range{};
    double shift = 0;           // bounds how far a unit's value was moved
    std::int64_t together = 0;  // units that change piece at one t, at most
};

/// Settles one group. Group gives access to what there is:
///   size(), root(i): the i-th of its roots by (snap, t), what ties in both in a fixed order;
///   place(i, t, error): root i lies there now; make_knot(i): it is a new knot;
///   knots(), knot(k): the knots there were, a Leader each, in order of t, over all cells;
///   first_knot(low): the first of them, k, whose t + snap >= low, or knots();
///   and room for size() leaders that are followed: node(j), a reference.
/// Roots and knots together are fewer than 2^31.
template <class Group>
class GroupSettling {
public:
    SPLINECODE_HOST_DEVICE explicit GroupSettling(Group& group) : group_(group), followed_(group) {}

    SPLINECODE_HOST_DEVICE GroupSettled run() {
        find_old_knots();
        for (std::int64_t i = 0; i < group_.size(); ++i) {
            settle(i, group_.root(i));
        }
        return settled_;
    }

private:
    static constexpr std::int64_t none = -1;

    /// Those within reach of the group. The ends of all intervals are among them at times; no root
    /// is taken to be one.
    SPLINECODE_HOST_DEVICE void find_old_knots() {
        Root root = group_.root(0);
        settled_.range = {root.t - root.error, root.t + root.error};
        double low = root.t - root.snap;
        double high = root.t + root.snap;
        for (std::int64_t i = 1; i < group_.size(); ++i) {
            root = group_.root(i);
            low = smaller(low, root.t - root.snap);
            high = larger(high, root.t + root.snap);
            settled_.range.low = smaller(settled_.range.low, root.t - root.error);
            settled_.range.high = larger(settled_.range.high, root.t + root.error);
        }
        first_old_ = group_.first_knot(low);
        last_old_ = first_old_;
        while (last_old_ < group_.knots() && low_end(group_.knot(last_old_)) <= high) {
            ++last_old_;
        }
    }

    SPLINECODE_HOST_DEVICE static double low_end(const Leader& knot) { return knot.t - knot.snap; }

    SPLINECODE_HOST_DEVICE void settle(std::int64_t i, const Root& root) {
        // The rounding of a root's t moves its unit's value.
        note_shift(root.slope * 4 * unit_roundoff, root);
        const std::int64_t found = nearest(root);
        if (found == none) {
            if (!root.at_knot) {
                group_.make_knot(i);
            }
            follow(root_number(i), {root.t, root.snap});
            return;
        }
        const Leader taken = leader(found);
        const double moved = std::fabs(root.t - taken.t);
        note_shift(root.slope * moved, root);
        group_.place(i, taken.t, root.error + moved);
        settled_.joined = true;
        follow(found, taken);
    }

    SPLINECODE_HOST_DEVICE void note_shift(double moved, const Root& root) {
        settled_.shift = larger(settled_.shift, smaller(moved, 2 * root.reach));
    }

    // Leaders are numbered: the old knots first, then the roots of the group.
    SPLINECODE_HOST_DEVICE std::int64_t root_number(std::int64_t i) const {
        return group_.knots() + i;
    }

    SPLINECODE_HOST_DEVICE Leader leader(std::int64_t number) const {
        if (number < group_.knots()) {
            return group_.knot(number);
        }
        const Root root = group_.root(number - group_.knots());
        return {root.t, root.snap};
    }

    /// The leader that the root is taken to be: of those within its interval that it overlaps, the
    /// nearest, the first where they tie; or none.
    SPLINECODE_HOST_DEVICE std::int64_t nearest(const Root& root) const {
        if (root.at_knot) {
            return none;
        }
        Choice choice{none, 0};
        for (std::int64_t k = first_old_above(root.low); k < last_old_; ++k) {
            if (!(group_.knot(k).t < root.high)) {
                break;
            }
            choose(root, k, group_.knot(k), choice);
        }
        choose_followed(root, choice);
        return choice.number;
    }

    struct Choice {
        std::int64_t number;
        double distance;
    };

    /// As `choose` for each that roots follow. By its snap a root reaches no further than twice
    /// that: those before it have no larger ones, and of old knots it chose already.
    SPLINECODE_HOST_DEVICE void choose_followed(const Root& root, Choice& choice) const {
        const double reach = 2 * root.snap;
        std::int32_t j =
            followed_.first([&](double t) { return root.low < t && !(root.t - t > reach); });
        for (; j != followed_.none; j = followed_.node(j).next) {
            const FollowedLeader& node = followed_.node(j);
            if (!(node.at.t < root.high) || node.at.t - root.t > reach) {
                break;
            }
            choose(root, node.number, node.at, choice);
        }
    }

    /// Of those that are equally near, the one of the lowest number.
    SPLINECODE_HOST_DEVICE static void choose(const Root& root, std::int64_t number,
                                              const Leader& knot, Choice& choice) {
        const double distance = std::fabs(root.t - knot.t);
        if (root.low < knot.t && knot.t < root.high && distance <= root.snap + knot.snap &&
            (choice.number == none || distance < choice.distance ||
             (distance == choice.distance && number < choice.number))) {
            choice = {number, distance};
        }
    }

    /// The first old knot with t > low, or last_old_.
    SPLINECODE_HOST_DEVICE std::int64_t first_old_above(double low) const {
        std::int64_t begin = first_old_;
        std::int64_t end = last_old_;
        while (begin < end) {
            const std::int64_t middle = begin + (end - begin) / 2;
            if (group_.knot(middle).t > low) {
                end = middle;
            } else {
                begin = middle + 1;
            }
        }
        return begin;
    }

    /// One more root changes piece at the leader.
    SPLINECODE_HOST_DEVICE void follow(std::int64_t number, const Leader& at) {
        const std::int64_t followers = followed_.follow(static_cast<std::int32_t>(number), at);
        settled_.together = larger(settled_.together, followers);
    }

    Group& group_;
    std::int64_t first_old_ = 0;
    std::int64_t last_old_ = 0;
    LeaderTree<Group> followed_;  // a root that leads follows itself
    GroupSettled settled_;
};

}  // namespace splinecode::sweep

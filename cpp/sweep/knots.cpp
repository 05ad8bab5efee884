#include "sweep/knots.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>

#include "sweep/settling.hpp"

namespace splinecode::sweep {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A group of roots on its way through GroupSettling.
class RootGroup {
public:
    RootGroup(std::vector<Root>& roots, const KnotTable& table)
        : roots_(roots), knots_(table.knots()) {}

    /// Goes on to a group later in t.
    void begin(std::span<const std::size_t> roots) {
        by_snap_.assign(roots.begin(), roots.end());
        std::ranges::sort(by_snap_, [&](std::size_t a, std::size_t b) {
            const Root& x = roots_[a];
            const Root& y = roots_[b];
            return x.snap != y.snap ? x.snap < y.snap : (x.t != y.t ? x.t < y.t : a < b);
        });
        followed_.resize(roots.size());
    }

    std::int64_t size() const { return static_cast<std::int64_t>(by_snap_.size()); }
    Root root(std::int64_t i) const { return roots_[by_snap_[at(i)]]; }
    void place(std::int64_t i, double t, double error) {
        roots_[by_snap_[at(i)]].t = t;
        roots_[by_snap_[at(i)]].error = error;
    }
    void make_knot(std::int64_t i) { fresh_.push_back({root(i).t, root(i).snap, root(i).error}); }
    std::int64_t knots() const { return static_cast<std::int64_t>(knots_.size()); }
    Leader knot(std::int64_t k) const { return {knots_[at(k)].t, knots_[at(k)].snap}; }
    std::int64_t first_knot(double low) {
        while (next_old_ < knots_.size() && knots_[next_old_].t + knots_[next_old_].snap < low) {
            ++next_old_;
        }
        return static_cast<std::int64_t>(next_old_);
    }
    FollowedLeader& node(std::int64_t j) { return followed_[at(j)]; }

    /// The new knots of all groups so far.
    const std::vector<KnotTable::Knot>& fresh() const { return fresh_; }

private:
    std::vector<Root>& roots_;
    const std::vector<KnotTable::Knot>& knots_;
    std::vector<std::size_t> by_snap_;
    std::vector<FollowedLeader> followed_;
    std::vector<KnotTable::Knot> fresh_;
    std::size_t next_old_ = 0;
};

/// The roots in order of t - snap.
std::vector<std::size_t> by_low_end(const std::vector<Root>& roots) {
    std::vector<std::size_t> order(roots.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        const Root& x = roots[a];
        const Root& y = roots[b];
        const double low_x = x.t - x.snap;
        const double low_y = y.t - y.snap;
        return low_x != low_y ? low_x < low_y : (x.t != y.t ? x.t < y.t : a < b);
    });
    return order;
}

}  // namespace

void KnotTable::merge(const std::vector<Knot>& more) {
    std::vector<Knot> all;
    all.reserve(knots_.size() + more.size());
    std::ranges::merge(knots_, more, std::back_inserter(all), {}, &Knot::t, &Knot::t);
    const auto rest = std::ranges::unique(all, {}, &Knot::t);
    all.erase(rest.begin(), rest.end());
    knots_ = std::move(all);
}

double KnotTable::error_at(double t) const {
    const auto found = std::ranges::lower_bound(knots_, t, {}, &Knot::t);
    return found != knots_.end() && found->t == t ? found->error : 0;
}

Settled settle(std::vector<Root>& roots, KnotTable& table) {
    Settled settled;
    const std::vector<std::size_t> order = by_low_end(roots);
    RootGroup group(roots, table);
    for (std::size_t begin = 0; begin < order.size();) {
        double high = roots[order[begin]].t + roots[order[begin]].snap;
        std::size_t end = begin + 1;
        for (; end < order.size() && roots[order[end]].t - roots[order[end]].snap <= high; ++end) {
            high = std::max(high, roots[order[end]].t + roots[order[end]].snap);
        }
        group.begin(std::span(order).subspan(begin, end - begin));
        const GroupSettled found = GroupSettling(group).run();
        settled.shift = std::max(settled.shift, found.shift);
        settled.together = std::max(settled.together, static_cast<double>(found.together));
        for (std::int64_t i = 0; i < group.size(); ++i) {
            const Root root = group.root(i);
            if (root.at_knot) {
                settled.ambiguous.push_back({root.t - root.error, root.t + root.error});
            }
        }
        if (found.joined) {
            settled.ambiguous.push_back(found.range);
        }
        begin = end;
    }
    std::vector<KnotTable::Knot> fresh = group.fresh();
    std::ranges::sort(fresh, {}, &KnotTable::Knot::t);
    table.merge(fresh);
    return settled;
}

Knots united(std::vector<Knots> lists) {
    const auto size = [](const Knots& list) { return list->size(); };
    // Before they are in order of addresses, which differ from run to run.
    const Knots longest = *std::ranges::max_element(lists, {}, size);
    std::ranges::sort(lists);
    lists.erase(std::ranges::unique(lists).begin(), lists.end());
    std::ranges::sort(lists, std::greater{}, size);
    while (lists.size() > 1) {
        std::vector<Knots> merged;
        for (std::size_t i = 0; i + 1 < lists.size(); i += 2) {
            auto both = std::make_shared<std::vector<double>>();
            both->reserve(lists[i]->size() + lists[i + 1]->size());
            std::ranges::set_union(*lists[i], *lists[i + 1], std::back_inserter(*both));
            merged.push_back(std::move(both));
        }
        if (lists.size() % 2) {
            merged.push_back(lists.back());
        }
        lists = std::move(merged);
    }
    return lists.front()->size() == longest->size() ? longest : lists.front();
}

Between between(const std::vector<double>& from, const std::vector<double>& to) {
    Between found{std::vector<std::int32_t>(to.size()), std::vector<double>(to.size())};
    std::size_t row = 0;
    for (std::size_t i = 0; i < to.size(); ++i) {
        while (row + 1 < from.size() && from[row + 1] <= to[i]) {
            ++row;
        }
        found.row[i] = static_cast<std::int32_t>(row);
        found.weight[i] =
            from[row] == to[i] ? 0 : (to[i] - from[row]) / (from[row + 1] - from[row]);
    }
    return found;
}

}  // namespace splinecode::sweep

#include "sweep/knots.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sweep/bounds.hpp"

namespace splinecode::sweep {
namespace {

/// A candidate for the place of a knot: a root, or a knot of another cell.
struct Leader {
    double t;
    double snap;
    bool old;
    std::int64_t followers;
};

bool overlap(double t, double snap, const Leader& leader) {
    return std::fabs(t - leader.t) <= snap + leader.snap;
}

double by_how_much(const Root& root, double to) {
    return std::min(root.slope * std::fabs(root.t - to), 2 * root.reach);
}

class Settling {
public:
    Settling(std::vector<Root>& roots, KnotTable& table) : roots_(roots), table_(table) {}

    Settled run() {
        order_.resize(roots_.size());
        for (std::size_t i = 0; i < order_.size(); ++i) {
            order_[i] = i;
        }
        std::ranges::sort(order_, [&](std::size_t a, std::size_t b) {
            const Root& x = roots_[a];
            const Root& y = roots_[b];
            const double low_x = x.t - x.snap;
            const double low_y = y.t - y.snap;
            return low_x != low_y ? low_x < low_y : (x.t != y.t ? x.t < y.t : a < b);
        });
        for (std::size_t begin = 0; begin < order_.size();) {
            begin = settle_group(begin);
        }
        std::ranges::sort(fresh_, {}, &KnotTable::Knot::t);
        table_.merge(fresh_);
        return std::move(settled_);
    }

private:
    Root& root(std::size_t i) { return roots_[order_[i]]; }

    /// Settles the group of overlapping roots that begins at `begin`; returns where the next does.
    std::size_t settle_group(std::size_t begin) {
        double low = root(begin).t - root(begin).snap;
        double high = root(begin).t + root(begin).snap;
        std::size_t end = begin + 1;
        for (; end < order_.size() && root(end).t - root(end).snap <= high; ++end) {
            low = std::min(low, root(end).t - root(end).snap);
            high = std::max(high, root(end).t + root(end).snap);
        }
        leaders_.clear();
        add_old_knots(low, high);
        if (end - begin == 1 && leaders_.empty()) {
            const Root& only = root(begin);
            note_rounding(only);
            add_knot(only);
            settled_.together = std::max(settled_.together, 1.0);
        } else {
            settle_overlaps(begin, end);
        }
        return end;
    }

    /// Knots of the table that roots of the group may be taken to be: those within reach that are
    /// no ends of their own intervals.
    void add_old_knots(double low, double high) {
        const auto& knots = table_.knots();
        while (next_old_ < knots.size() && knots[next_old_].t + knots[next_old_].snap < low) {
            ++next_old_;
        }
        for (std::size_t i = next_old_; i < knots.size() && knots[i].t - knots[i].snap <= high;
             ++i) {
            leaders_.push_back({knots[i].t, knots[i].snap, true, 0});
        }
        if (!leaders_.empty()) {
            const bool inside = std::ranges::any_of(leaders_, [&](const Leader& leader) {
                return leader.t > knots.front().t && leader.t < knots.back().t;
            });
            if (!inside) {
                leaders_.clear();
            }
        }
    }

    void add_knot(const Root& root) {
        if (root.at_knot) {
            settled_.ambiguous.push_back({root.t - root.error, root.t + root.error});
        } else {
            fresh_.push_back({root.t, root.snap, root.error});
        }
    }

    /// The rounding of a root's t moves its unit's value.
    void note_rounding(const Root& root) {
        const double moved = root.slope * 4 * unit_roundoff;
        settled_.shift = std::max(settled_.shift, std::min(moved, 2 * root.reach));
    }

    void settle_overlaps(std::size_t begin, std::size_t end) {
        std::vector<std::size_t> group(order_.begin() + static_cast<std::ptrdiff_t>(begin),
                                       order_.begin() + static_cast<std::ptrdiff_t>(end));
        std::ranges::sort(group, [&](std::size_t a, std::size_t b) {
            const Root& x = roots_[a];
            const Root& y = roots_[b];
            return x.snap != y.snap ? x.snap < y.snap : (x.t != y.t ? x.t < y.t : a < b);
        });
        bool joined = false;
        Range range{std::numeric_limits<double>::infinity(),
                    -std::numeric_limits<double>::infinity()};
        for (const std::size_t i : group) {
            Root& here = roots_[i];
            note_rounding(here);
            range.low = std::min(range.low, here.t - here.error);
            range.high = std::max(range.high, here.t + here.error);
            Leader* const leader = nearest(here);
            if (leader) {
                joined = true;
                settled_.shift = std::max(settled_.shift, by_how_much(here, leader->t));
                here.error += std::fabs(here.t - leader->t);
                here.t = leader->t;
                ++leader->followers;
            } else {
                add_knot(here);
                leaders_.push_back({here.t, here.snap, false, 1});
            }
        }
        for (const Leader& leader : leaders_) {
            settled_.together = std::max(settled_.together, static_cast<double>(leader.followers));
        }
        if (joined) {
            settled_.ambiguous.push_back(range);
        }
    }

    Leader* nearest(const Root& root) {
        Leader* found = nullptr;
        for (Leader& leader : leaders_) {
            const bool inside = root.low < leader.t && leader.t < root.high;
            if (inside && !root.at_knot && overlap(root.t, root.snap, leader) &&
                (!found || std::fabs(root.t - leader.t) < std::fabs(root.t - found->t))) {
                found = &leader;
            }
        }
        return found;
    }

    std::vector<Root>& roots_;
    KnotTable& table_;
    std::vector<std::size_t> order_;
    std::vector<Leader> leaders_;
    std::vector<KnotTable::Knot> fresh_;
    std::size_t next_old_ = 0;
    Settled settled_;
};

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

Settled settle(std::vector<Root>& roots, KnotTable& table) { return Settling(roots, table).run(); }

void place_root(Root& root, double weight) {
    const double t = root.low + weight * (root.high - root.low);
    const double first = std::nextafter(root.low, root.high);
    const double last = std::nextafter(root.high, root.low);
    root.at_knot = first > last || first == root.high;
    root.t = root.at_knot ? (weight < 0.5 ? root.low : root.high) : std::clamp(t, first, last);
}

Knots united(std::vector<Knots> lists) {
    std::ranges::sort(lists);
    lists.erase(std::ranges::unique(lists).begin(), lists.end());
    std::ranges::sort(lists, [](const Knots& a, const Knots& b) { return a->size() > b->size(); });
    const Knots longest = lists.front();
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

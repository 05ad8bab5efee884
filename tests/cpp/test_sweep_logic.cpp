// What a sweep decides on the CPU and on a GPU alike, against plain restatements.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "check.hpp"
#include "levels.hpp"
#include "sweep/doubt.hpp"
#include "sweep/knots.hpp"
#include "sweep/piece_values.hpp"
#include "sweep/sign_rules.hpp"
#include "sweep/tolerance.hpp"

using namespace splinecode;
using namespace splinecode::sweep;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class Drawing {
public:
    explicit Drawing(unsigned seed) : bits_(seed) {}
    double between(double low, double high) {
        return std::uniform_real_distribution<>(low, high)(bits_);
    }
    std::int64_t below(std::int64_t n) {
        return static_cast<std::int64_t>(bits_() % static_cast<std::uint64_t>(n));
    }
    bool one_in(std::int64_t n) { return below(n) == 0; }
    /// A value that is often special.
    double odd() {
        const std::vector<double> special{0.0, -0.0, 1.0, -1.0, infinity, -infinity, std::nan("")};
        return one_in(2) ? special[static_cast<std::size_t>(below(7))] : between(-2, 2);
    }

private:
    std::mt19937_64 bits_;
};

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

TEST(tolerance_of_a_unit_is_the_smaller_of_two_bounds) {
    // Errors of at most 1e-3 each, or 2e-3 together, meet weights 3 and 4.
    const UnitNorms norms{7, 5, 10};
    const UnitTolerance by_largest = unit_tolerance({2e-3, 1e-3, 2, 1, 0, 3, 1e-300}, norms);
    CHECK_EQ(by_largest.bound, slack * 7e-3);
    CHECK_EQ(by_largest.snap, 0);  // nothing was rounded
    CHECK_EQ(by_largest.size, 7);
    const UnitTolerance by_norm = unit_tolerance({1e-3, 1e-3, 1, 1, 1e-6, 3, 0}, norms);
    CHECK_EQ(by_norm.size, 5);
    CHECK_EQ(by_norm.bound, slack * (1e-3 * 5) + 1e-6 * 15);
    CHECK_EQ(by_norm.snap, 3 * (1e-6 * 15));
    // The snap is never above the bound.
    CHECK_EQ(unit_tolerance({0, 0, 1, 1, 1e-6, 3, 0}, norms).snap, 1e-6 * 15);
    // Underflow counts unless all is zero.
    CHECK_EQ(unit_tolerance({0, 0, 0, 0, 1e-6, 3, 1}, {7, 5, 0}).bound, 0);
    CHECK_EQ(unit_tolerance({0, 0, 0, 0, 1e-6, 3, 1}, {7, 5, 1}).bound, 1e-6 + 1);
}

TEST(signs_and_nearness_are_those_of_the_kernels_for_rows) {
    Drawing draw(1);
    std::vector<double> z(300), limit(z.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = draw.odd();
        limit[i] = draw.one_in(3) ? 0 : std::fabs(draw.odd());
    }
    at_every_level([&] {
        std::vector<std::uint64_t> positive(5), negative(5);
        kernels().classify(z.data(), limit.data(), z.size(), positive.data(), negative.data());
        bool same = true;
        for (std::size_t i = 0; i < z.size(); ++i) {
            const int sign = sign_of(z[i], limit[i]);
            same = same && (positive[i / 64] >> (i % 64) & 1) == (sign > 0 ? 1u : 0u);
            same = same && (negative[i / 64] >> (i % 64) & 1) == (sign < 0 ? 1u : 0u);
            same = same && kernels().any_within(&z[i], &limit[i], 1) == is_near(z[i], limit[i]);
        }
        CHECK(same);
    });
}

TEST(signs_tell_what_a_unit_does) {
    for (const int before : {-1, 0, 1}) {
        for (const int here : {-1, 0, 1}) {
            for (const int after : {-1, 0, 1}) {
                CHECK_EQ(flips_at_knot(before, here, after),
                         here == 0 && (before == 1) != (after == 1));
            }
        }
    }
    for (const int here : {-1, 0, 1}) {
        for (const int after : {-1, 0, 1}) {
            CHECK_EQ(crosses_between(here, after), here != 0 && after == -here);
            CHECK_EQ(starts_active(here, after), here == 1 || (here == 0 && after == 1));
        }
    }
}

TEST(relu_is_that_of_the_kernels_for_rows) {
    Drawing draw(2);
    for (int i = 0; i < 300; ++i) {
        const double z = draw.odd();
        const double slope = draw.one_in(2) ? 0 : draw.between(-1, 1);
        double wanted = 0;
        at_every_level([&] {
            kernels().interpolate_relu(&z, &z, 0, slope, 1, &wanted);
            const double found = relu_at(slope, z + 0 * (z - z));
            CHECK(found == wanted || (std::isnan(found) && std::isnan(wanted)));
            CHECK(found != 0 || !std::signbit(found));
        });
    }
}

TEST(pieces_change_above_their_thresholds) {
    // Of two units: a hardtanh, and |z - 2| with a threshold that changes nothing.
    const std::vector<double> thresholds{-1, 2, 1, 3};
    const std::vector<double> slopes{0, -1, 1, 1, 0, 1};
    const std::vector<double> intercepts{-1, 2, 0, -2, 1, -2};
    const PieceRows rows{thresholds.data(), slopes.data(), intercepts.data(), 2, 2};
    for (const double z : {-3.0, -1.0, -0.5, 0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0}) {
        CHECK_EQ(rows.at(0, z), std::clamp(z, -1.0, 1.0));
        CHECK_EQ(rows.at(1, z), std::fabs(z - 2));
    }
    CHECK_EQ(rows.at_boundary(0, 0), -1);
    CHECK_EQ(rows.at_boundary(0, 1), 1);
    CHECK_EQ(rows.at_boundary(1, 0), 0);
    CHECK(!std::signbit(rows.at(0, -0.0)));
}

TEST(roots_lie_strictly_between_their_knots) {
    Drawing draw(3);
    for (int i = 0; i < 2000; ++i) {
        Root root{};
        root.low = draw.between(0, 1);
        root.high = root.low;
        const std::int64_t steps = draw.one_in(2) ? 1 + draw.below(4) : 0;
        for (std::int64_t s = 0; s < steps; ++s) {
            root.high = std::nextafter(root.high, 2);
        }
        root.high = steps == 0 ? draw.between(root.low, 1) + 1e-9 : root.high;
        const double weight =
            draw.one_in(3) ? static_cast<double>(draw.below(2)) : draw.between(0, 1);
        place_root(root, weight);
        CHECK_EQ(root.at_knot, steps == 1);
        if (root.at_knot) {
            CHECK_EQ(root.t, weight < 0.5 ? root.low : root.high);
        } else {
            CHECK(root.low < root.t && root.t < root.high);
            const double exact = root.low + weight * (root.high - root.low);
            CHECK(std::fabs(root.t - exact) <= 2 * unit_roundoff);
        }
    }
}

TEST(a_crossing_is_where_the_line_is_zero) {
    const Root root = crossing_of({0.25, 0.75, -1, 3, 0.5, 2}, 7);
    CHECK_EQ(root.t, 0.375);
    CHECK_EQ(root.slope, 8);
    CHECK_EQ(root.reach, 3);
    CHECK_EQ(root.snap, 0.5 / 8 + t_rounding);
    CHECK_EQ(root.error, 2.0 / 8 + t_rounding);
    CHECK(root.on == 7 && root.off == -1);
    const Root falling = crossing_of({0.25, 0.75, 3, -1, 0.5, 2}, 7);
    CHECK(falling.on == -1 && falling.off == 7);
    CHECK_EQ(falling.t, 0.625);
}

TEST(beyond_its_reach_a_value_is_not_within_the_bound) {
    Drawing draw(4);
    for (int i = 0; i < 1000; ++i) {
        const double bound = draw.between(0.1, 1);
        const double here = draw.between(-bound, bound);
        const double there = draw.between(-4, 4);
        const double gap = draw.between(0.01, 1);
        const double reach = reach_of(bound, here, there, gap);
        CHECK(0 < reach && reach <= gap);
        const double value = here + (there - here) * (reach / gap);
        CHECK(reach == gap || std::fabs(value) >= bound * (1 - 1e-12));
    }
    // A side within the bound tells nothing.
    CHECK_EQ(doubt_at_knot(1, 0.5, 1, -0.5, 1), 0);
    CHECK_EQ(doubt_at_knot(1, 0.5, 1, -8, 1), reach_of(1, 0, -8, 1));
    CHECK_EQ(doubt_at_knot(1, 4, 1, -8, 1), reach_of(1, 0, 4, 1));
}

TEST(ties_cover_what_stays_near_on_both_sides) {
    Ties ties(0.5);
    ties.add({0.5, 0.25, 8, 0.125, 0, 0}, 0.5, 1);  // at the right end, taken to be 0
    ties.add({0.5, -0.75, 0, 0, 0, 0.25}, 0.5, 1);  // at the left end, not taken to be
    CHECK_EQ(ties.snapped, 1);
    CHECK_EQ(ties.shift, 0.25);
    CHECK_EQ(ties.range.low, 0.5 - reach_of(1, 0.25, 8, 0.125));
    CHECK_EQ(ties.range.high, 0.75);
    CHECK(ties.ambiguous().low < ties.range.low && ties.range.high < ties.ambiguous().high);
    CHECK_EQ(flip_error({0.5, 0, 4, 0.25, -4, 0.25}, 1, false, 1e-3),
             reach_of(1, 0, 4, 0.25) + 1e-3 + t_rounding);
    CHECK_EQ(flip_error({0.5, 0, 4, 0.25, -4, 0.25}, 1, true, 1e-3), 1e-3 + t_rounding);
}

// ------------------------------------------------------------------ settling

namespace {

/// A knot that roots of a group may be taken to be.
struct Candidate {
    double t;
    double snap;
    std::int64_t followers;
};

/// Settling as it reads: the roots of a group go to the nearest candidate that they overlap, or
/// become one.
class PlainSettling {
public:
    PlainSettling(std::vector<Root>& roots, const KnotTable& table)
        : roots_(roots), old_(table.knots()) {}

    Settled settled;
    std::vector<KnotTable::Knot> fresh;

    void run() {
        std::vector<std::size_t> order(roots_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto low = [&](std::size_t i) { return roots_[i].t - roots_[i].snap; };
        std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
            return low(a) != low(b) ? low(a) < low(b) : roots_[a].t < roots_[b].t;
        });
        std::vector<std::size_t> group;
        double high = -infinity;
        for (const std::size_t i : order) {
            if (!group.empty() && low(i) > high) {
                settle_group(group);
                group.clear();
                high = -infinity;
            }
            group.push_back(i);
            high = std::max(high, roots_[i].t + roots_[i].snap);
        }
        if (!group.empty()) {
            settle_group(group);
        }
    }

private:
    std::vector<Candidate> candidates(const std::vector<std::size_t>& group) const {
        double low = infinity;
        double high = -infinity;
        for (const std::size_t i : group) {
            low = std::min(low, roots_[i].t - roots_[i].snap);
            high = std::max(high, roots_[i].t + roots_[i].snap);
        }
        std::vector<Candidate> found;
        bool inside = false;
        for (const KnotTable::Knot& knot : old_) {
            if (found.empty() && knot.t + knot.snap < low) {
                continue;
            }
            if (knot.t - knot.snap > high) {
                break;
            }
            found.push_back({knot.t, knot.snap, 0});
            inside = inside || (knot.t != old_.front().t && knot.t != old_.back().t);
        }
        return inside ? found : std::vector<Candidate>{};
    }

    void settle_group(std::vector<std::size_t> group) {
        std::vector<Candidate> all = candidates(group);
        std::ranges::sort(group, [&](std::size_t a, std::size_t b) {
            const Root& x = roots_[a];
            const Root& y = roots_[b];
            return x.snap != y.snap ? x.snap < y.snap : (x.t != y.t ? x.t < y.t : a < b);
        });
        Range range{infinity, -infinity};
        bool joined = false;
        for (const std::size_t i : group) {
            Root& root = roots_[i];
            range = {std::min(range.low, root.t - root.error),
                     std::max(range.high, root.t + root.error)};
            move(root, 4 * unit_roundoff);
            Candidate* const nearest = nearest_of(all, root);
            if (nearest) {
                const double moved = std::fabs(root.t - nearest->t);
                move(root, moved);
                root.t = nearest->t;
                root.error += moved;
                ++nearest->followers;
                joined = true;
            } else {
                all.push_back({root.t, root.snap, 1});
                add(root);
            }
        }
        if (joined) {
            settled.ambiguous.push_back(range);
        }
        for (const Candidate& candidate : all) {
            settled.together = std::max(settled.together, static_cast<double>(candidate.followers));
        }
    }

    void move(const Root& root, double by) {
        settled.shift = std::max(settled.shift, std::min(root.slope * by, 2 * root.reach));
    }

    void add(const Root& root) {
        if (root.at_knot) {
            settled.ambiguous.push_back({root.t - root.error, root.t + root.error});
        } else {
            fresh.push_back({root.t, root.snap, root.error});
        }
    }

    static Candidate* nearest_of(std::vector<Candidate>& all, const Root& root) {
        Candidate* found = nullptr;
        for (Candidate& candidate : all) {
            const double distance = std::fabs(candidate.t - root.t);
            if (!root.at_knot && root.low < candidate.t && candidate.t < root.high &&
                distance <= root.snap + candidate.snap &&
                (!found || distance < std::fabs(found->t - root.t))) {
                found = &candidate;
            }
        }
        return found;
    }

    std::vector<Root>& roots_;
    const std::vector<KnotTable::Knot>& old_;
};

/// Roots of a coarse grid with snaps from none to several steps of it, in intervals of it.
std::vector<Root> drawn_roots(Drawing& draw, std::int64_t n, double snap) {
    std::vector<Root> roots(at(n));
    for (Root& root : roots) {
        const std::int64_t cells = std::int64_t{1} << draw.below(5);
        root.low = static_cast<double>(draw.below(cells)) / static_cast<double>(cells);
        root.high = root.low + 1 / static_cast<double>(cells);
        root.at_knot = draw.one_in(15);
        const double weight = static_cast<double>(1 + draw.below(31)) / 32;
        root.t = root.low + weight * (root.high - root.low);
        root.t = root.at_knot ? (weight < 0.5 ? root.low : root.high) : root.t;
        root.snap = draw.one_in(3) ? 0 : static_cast<double>(draw.below(4)) * snap;
        root.error = root.snap + draw.between(0, 0.1);
        root.slope = draw.between(0, 10);
        root.reach = draw.between(0, 1);
    }
    return roots;
}

KnotTable drawn_table(Drawing& draw, std::int64_t n, double snap) {
    KnotTable table(0, 1);
    for (std::int64_t i = 0; i < n; ++i) {
        table.merge({{static_cast<double>(1 + draw.below(63)) / 64,
                      static_cast<double>(draw.below(3)) * snap, draw.between(0, 0.1)}});
    }
    return table;
}

bool same(const Range& a, const Range& b) { return a.low == b.low && a.high == b.high; }

}  // namespace

TEST(settling_takes_each_root_to_the_nearest_knot_that_it_overlaps) {
    Drawing draw(5);
    double most_together = 0;
    for (int i = 0; i < 400; ++i) {
        const double snap = std::vector<double>{0, 0.002, 0.03}[at(draw.below(3))];
        const std::int64_t most = draw.one_in(20) ? 400 : 40;
        std::vector<Root> roots = drawn_roots(draw, draw.below(most), snap);
        std::vector<Root> wanted_roots = roots;
        KnotTable table = drawn_table(draw, draw.below(10), snap);
        PlainSettling wanted(wanted_roots, table);
        wanted.run();
        KnotTable wanted_table = table;
        std::ranges::sort(wanted.fresh, {}, &KnotTable::Knot::t);
        wanted_table.merge(wanted.fresh);
        const Settled found = settle(roots, table);
        CHECK(std::ranges::equal(roots, wanted_roots, [](const Root& a, const Root& b) {
            return a.t == b.t && a.error == b.error;
        }));
        CHECK(std::ranges::equal(table.knots(), wanted_table.knots(),
                                 [](const KnotTable::Knot& a, const KnotTable::Knot& b) {
                                     return a.t == b.t && a.snap == b.snap && a.error == b.error;
                                 }));
        CHECK_EQ(found.shift, wanted.settled.shift);
        CHECK_EQ(found.together, wanted.settled.together);
        CHECK(std::ranges::equal(found.ambiguous, wanted.settled.ambiguous, same));
        most_together = std::max(most_together, found.together);
    }
    CHECK(most_together > 3);
}

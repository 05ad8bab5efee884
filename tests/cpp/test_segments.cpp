#include "segments.hpp"

#include <cmath>

#include "check.hpp"
#include "levels.hpp"

using namespace splinecode;

namespace {

/// One segment with given knots and rows of values.
struct OneSegment {
    std::vector<std::int64_t> offsets;
    std::vector<double> t, t_error, values;
    Sweep sweep;

    OneSegment(std::vector<double> knots, std::vector<double> rows)
        : offsets{0, static_cast<std::int64_t>(knots.size())},
          t(std::move(knots)),
          t_error(t.size(), 0.0),
          values(std::move(rows)) {
        sweep = {1,
                 offsets[1],
                 static_cast<std::int64_t>(values.size() / t.size()),
                 offsets.data(),
                 t.data(),
                 t_error.data(),
                 values.data()};
    }

    KinkPlan relu(double tolerance) const {
        const std::vector<double> limits(static_cast<std::size_t>(sweep.units), tolerance);
        return find_relu(sweep, {limits.data(), limits.data(), 1e-16}, {});
    }
};

}  // namespace

TEST(a_root_between_knots_becomes_a_knot) {
    at_every_level([] {
        const OneSegment s({0, 1}, {-1, 2, /**/ 3, 1});
        const KinkPlan plan = s.relu(1e-12);
        CHECK((plan.t == std::vector<double>{0, 0.25, 1}));
        CHECK_EQ(plan.crossings.size(), 1u);
        CHECK_EQ(plan.crossings[0].unit, 0);
        CHECK_EQ(plan.crossings[0].direction, 1);
        CHECK(plan.crossings[0].t_error < 1e-12);
        CHECK_EQ(plan.first_codes[0], 2u);
        CHECK_EQ(plan.ambiguous[0], 0);
        std::vector<double> out(6, -1);
        const RowSizes sizes = apply_relu(s.sweep, plan, 0.0, out.data(), {});
        CHECK((out == std::vector<double>{0, 2, 0, 1.75, 3, 1}));
        CHECK_EQ(sizes.largest[2], 3);
    });
}

TEST(touching_zero_is_no_crossing_but_passing_at_a_knot_is) {
    const OneSegment s({0, 0.5, 1}, {1, 1, -1, /**/ 0, 0, 0, /**/ 1, -1, 0});
    const KinkPlan plan = s.relu(1e-12);
    CHECK_EQ(plan.crossings.size(), 1u);
    CHECK_EQ(plan.crossings[0].unit, 1);
    CHECK_EQ(plan.crossings[0].direction, -1);
    CHECK_EQ(plan.crossings[0].t, 0.5);
    CHECK_EQ(plan.t.size(), 3u);
    CHECK_EQ(plan.ambiguous[0], 1);
}

TEST(zero_with_zero_tolerance_is_no_tie) {
    const OneSegment s({0, 1}, {0, 1, /**/ 0, 1});
    CHECK_EQ(s.relu(0.0).ambiguous[0], 0);
    CHECK_EQ(s.relu(1e-15).ambiguous[0], 1);
}

TEST(overlapping_roots_share_a_knot) {
    // Three units cross within 1e-13 of 0.5 in values known to 1e-12; the steepest is known best.
    const OneSegment s({0, 1}, {-1, 4 + 1e-13, 1 - 1e-13, -1, /**/ 1, -4, -1, 3});
    const KinkPlan plan = s.relu(1e-12);
    CHECK((plan.t.size() == 4 && plan.t[1] == 0.25 && std::fabs(plan.t[2] - 0.5) < 1e-12));
    CHECK_EQ(plan.crossings.size(), 4u);
    CHECK(plan.crossings[1].unit == 0 && plan.crossings[2].unit == 1 &&
          plan.crossings[3].unit == 2);
    CHECK(plan.crossings[1].t == plan.crossings[3].t);
    CHECK_EQ(plan.ambiguous[0], 1);
    CHECK_EQ(s.relu(1e-15).t.size(), 6u);
}

TEST(a_fuzzy_root_does_not_join_sharp_ones) {
    // Unit 2 is known to within its whole range; units 0 and 1 cross well apart from each other.
    const OneSegment s({0, 1}, {-1, -3, -1.1e-6, /**/ 3, 1, 1.1e-6});
    const KinkPlan plan = s.relu(1e-6);
    CHECK(plan.t.size() == 4 && plan.t[1] == 0.25 && plan.t[2] == 0.75);
    CHECK_EQ(plan.crossings.size(), 3u);
}

TEST(the_bound_marks_without_snapping) {
    const OneSegment s({0, 1}, {-1, 1e-7, /**/ 1, -1});
    const std::vector<double> snap(2, 1e-12);
    const std::vector<double> bound(2, 1e-6);
    const KinkPlan plan = find_relu(s.sweep, {snap.data(), bound.data(), 1e-16}, {});
    CHECK_EQ(plan.ambiguous[0], 1);
    CHECK_EQ(plan.crossings.size(), 2u);
    CHECK(plan.crossings[0].unit == 1 && plan.crossings[0].t < 1.1e-7);
    CHECK(plan.crossings[0].t_error > 9e-7);
}

TEST(max_pool_marks_near_ties_at_both_ends) {
    const std::vector<std::int64_t> index{0, 1};
    const Windows windows{1, 2, index.data()};
    const double snap = 1e-16;
    const double bound = 1e-12;
    for (const bool at_start : {true, false}) {
        const OneSegment s = at_start ? OneSegment({0, 1}, {1, 1 + 1e-14, /**/ 3, 2})
                                      : OneSegment({0, 1}, {3, 2, /**/ 1, 1 + 1e-14});
        CHECK_EQ(find_max_pool(s.sweep, windows, {&snap, &bound, 0}, {}).ambiguous[0], 1);
    }
}

TEST(max_pool_walks_the_upper_envelope) {
    // Elements 2 - 4t, 1, 4t - 2 (and padding): 0 leads until 1/4, 1 until 3/4, then 2.
    const OneSegment s({0, 1}, {2, 1, -2, /**/ -2, 1, 2});
    const std::vector<std::int64_t> index{-1, 0, 1, 2};
    const Windows windows{1, 4, index.data()};
    const double tolerance = 1e-12;
    const KinkPlan plan = find_max_pool(s.sweep, windows, {&tolerance, &tolerance, 1e-16}, {});
    CHECK((plan.t == std::vector<double>{0, 0.25, 0.75, 1}));
    CHECK_EQ(plan.first_codes[0], 2u);
    CHECK_EQ(plan.crossings.size(), 4u);
    CHECK(plan.crossings[0].unit == 1 && plan.crossings[0].direction == -1);
    CHECK(plan.crossings[1].unit == 2 && plan.crossings[1].direction == 1);
    CHECK(plan.crossings[3].unit == 3 && plan.crossings[3].direction == 1);
    std::vector<double> out(4);
    apply_max_pool(s.sweep, plan, windows, out.data(), {});
    CHECK((out == std::vector<double>{2, 1, 1, 2}));
}

TEST(max_pool_takes_the_lowest_of_equals) {
    const OneSegment s({0, 0.5, 1}, {1, 1, /**/ 1, 1, /**/ 1, 2});
    const std::vector<std::int64_t> index{0, 1};
    const Windows windows{1, 2, index.data()};
    const double tolerance = 1e-12;
    const KinkPlan plan = find_max_pool(s.sweep, windows, {&tolerance, &tolerance, 1e-16}, {});
    CHECK_EQ(plan.first_codes[0], 1u);
    CHECK_EQ(plan.crossings.size(), 2u);
    CHECK(plan.crossings[0].t == 0.5 && plan.crossings[0].unit == 0);
    CHECK(plan.crossings[1].t == 0.5 && plan.crossings[1].unit == 1);
    CHECK_EQ(plan.ambiguous[0], 0);
}

TEST(three_elements_that_meet_change_once) {
    // 1 - 2t, 0, 2t - 1 meet at 1/2: the middle one never leads.
    const OneSegment s({0, 1}, {1, 0, -1, /**/ -1, 0, 1});
    const std::vector<std::int64_t> index{0, 1, 2};
    const Windows windows{1, 3, index.data()};
    const double tolerance = 1e-12;
    const KinkPlan plan = find_max_pool(s.sweep, windows, {&tolerance, &tolerance, 1e-16}, {});
    CHECK_EQ(plan.crossings.size(), 2u);
    CHECK(plan.crossings[0].unit == 0 && plan.crossings[1].unit == 2);
}

TEST(sweeps_do_not_depend_on_threads_or_level) {
    const std::size_t rows = 400;
    const std::size_t units = 130;
    std::vector<double> t(rows), values(rows * units);
    const auto random = random_words(values.size(), 60);
    for (std::size_t i = 0; i < rows; ++i) {
        t[i] = static_cast<double>(i) / static_cast<double>(rows - 1);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<double>(static_cast<std::int64_t>(random[i])) * 1e-18;
    }
    const OneSegment s(t, values);
    std::vector<std::vector<double>> knots;
    std::vector<std::vector<double>> outputs;
    at_every_level([&] {
        for (const int n : {1, 5}) {
            set_threads(n);
            const KinkPlan plan = s.relu(1e-9);
            knots.push_back(plan.t);
            outputs.emplace_back(plan.t.size() * units);
            apply_relu(s.sweep, plan, 0.1, outputs.back().data(), {});
        }
    });
    set_threads(0);
    for (std::size_t i = 1; i < knots.size(); ++i) {
        CHECK(knots[i] == knots[0]);
        CHECK(outputs[i] == outputs[0]);
    }
}

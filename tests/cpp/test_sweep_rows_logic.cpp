// What the sweeps of the CPU and of a GPU decide alike about rows and maxima, against oracles that
// look at every knot and at many places between.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "knot_table.hpp"
#include "knot_words.hpp"
#include "ordered_bits.hpp"
#include "sweep/bound_rules.hpp"
#include "sweep/envelope.hpp"
#include "sweep/knot_search.hpp"
#include "sweep/norm_rules.hpp"

namespace {

using namespace splinecode;
using namespace splinecode::sweep;

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Keeps what an envelope tells.
struct Kept {
    std::vector<Root>* roots;
    std::vector<Range>* open;  // ambiguous or assumed

    void root(const Root& found) const { roots->push_back(found); }
    void ambiguous(const Range& range) const { open->push_back(range); }
    void assumed(const Range& range) const { open->push_back(range); }
};

/// A window of `size` elements between the knots 0 and 1.
struct DrawnLines {
    std::vector<std::int32_t> index;
    std::vector<double> left;
    std::vector<double> right;
    std::vector<std::uint8_t> exact;

    template <class Draw>
    DrawnLines(std::mt19937& random, std::size_t size, const Draw& draw) {
        for (std::size_t e = 0; e < size; ++e) {
            const bool real = e == size / 2 || random() % 5 != 0;
            index.push_back(real ? static_cast<std::int32_t>(left.size()) : -1);
            left.push_back(draw());
            right.push_back(draw());
            exact.push_back(0);
        }
    }
    Lines<double> lines() const {
        return {index.data(), static_cast<std::int64_t>(index.size()), left.data(), right.data()};
    }
    Envelope<double> envelope(const WindowTolerance& tolerance) const {
        return {lines(), 0, 1, tolerance, exact.data()};
    }
    double top(double t) const {
        double largest = -infinity;
        for (std::int64_t e = 0; e < lines().size(); ++e) {
            largest = lines().real(e) ? std::max(largest, lines().between(e, t)) : largest;
        }
        return largest;
    }
};

}  // namespace

TEST(places_between_knots_are_those_of_a_search_from_the_left) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<double> t{0, 1};
        for (auto i = random() % 9; i > 0; --i) {
            t.push_back(static_cast<double>(random() % 31 + 1) / 32);
        }
        std::ranges::sort(t);
        t.erase(std::ranges::unique(t).begin(), t.end());
        const auto n = static_cast<std::int64_t>(t.size());
        for (int i = 0; i <= 64; ++i) {
            const double x = i / 64.0;
            std::size_t left = 0;
            while (left + 1 < t.size() && t[left + 1] <= x) {
                ++left;
            }
            const double weight = t[left] == x ? 0 : (x - t[left]) / (t[left + 1] - t[left]);
            const PlaceBetween place = place_between(t.data(), n, x);
            CHECK(place.left == static_cast<std::int64_t>(left) && place.weight == weight);
            const auto first = std::ranges::lower_bound(t, x) - t.begin();
            CHECK_EQ(first_not_below(t.data(), 0, n, x), first);
        }
    }
    const double one[] = {0.5};
    CHECK_EQ(place_between(one, 1, 0.5).left, 0);
    CHECK_EQ(value_between(2, 4, 0.25), 2.5);
}

TEST(a_knot_table_knows_the_errors_of_each_track) {
    const std::int64_t begin[] = {0, 2, 2, 5};
    const double t[] = {0, 1, 0, 0.5, 1};
    const double error[] = {0.1, 0.2, 0.3, 0.4, 0.5};
    const cuda::KnotTable table{begin, t, nullptr, error, nullptr};
    CHECK_EQ(table.error_at(0, 1), 0.2);
    CHECK_EQ(table.error_at(0, 0.5), 0);
    CHECK_EQ(table.error_at(1, 0), 0);
    CHECK_EQ(table.error_at(2, 0), 0.3);
    CHECK_EQ(table.error_at(2, 0.5), 0.4);
    CHECK_EQ(table.error_at(2, 2), 0);
}

TEST(ordered_bits_order_as_sizes_do) {
    const double rising[] = {0, 1e-320, 1e-300, 0.5, 1, 1e300, infinity, no_number};
    for (std::size_t i = 0; i + 1 < std::size(rising); ++i) {
        CHECK(cuda::magnitude_bits(rising[i]) < cuda::magnitude_bits(rising[i + 1]));
        CHECK_EQ(cuda::magnitude_bits(-rising[i]), cuda::magnitude_bits(rising[i]));
        CHECK_EQ(cuda::number_of_bits(cuda::magnitude_bits(rising[i])), rising[i]);
    }
    CHECK_EQ(cuda::magnitude_bits(-no_number), cuda::magnitude_bits(no_number));
}

TEST(norms_where_squares_leave_the_range) {
    CHECK_EQ(norm_of(25, 4, 2), 5);
    CHECK_EQ(norm_of(0, 0, 3), 0);
    CHECK_EQ(norm_of(0, 1e-200, 4), 2e-200);
    CHECK_EQ(norm_of(infinity, 1e200, 4), 2e200);
    CHECK_EQ(norm_of(infinity, infinity, 4), infinity);
    CHECK(std::isnan(norm_of(no_number, 1, 4)));
}

TEST(an_envelope_is_the_largest_everywhere) {
    std::mt19937 random(2);
    std::normal_distribution<> normal;
    for (int round = 0; round < 400; ++round) {
        const bool ties = round % 2 != 0;
        const DrawnLines drawn(random, 1 + random() % 9, [&] {
            return ties ? static_cast<double>(random() % 4) : normal(random);
        });
        std::vector<Root> roots;
        std::vector<Range> open;
        const Envelope<double> envelope = drawn.envelope({0, 0});
        std::int64_t current = envelope.first();
        const std::int64_t last = envelope.walk(current, Kept{&roots, &open});
        double begin = 0;
        const auto check_piece = [&](double end) {
            const double middle = (begin + end) / 2;
            CHECK(drawn.lines().real(current));
            CHECK(drawn.top(middle) - drawn.lines().between(current, middle) < 1e-13);
            // The lowest of those that are equal all along.
            for (std::int64_t e = 0; e < current; ++e) {
                CHECK(!drawn.lines().real(e) ||
                      drawn.lines().left(e) != drawn.lines().left(current) ||
                      drawn.lines().right(e) != drawn.lines().right(current));
            }
        };
        for (const Root& root : roots) {
            CHECK_EQ(root.off, current);
            CHECK_EQ(root.threshold, -1);
            CHECK(root.t > begin && root.t < 1);
            check_piece(root.t);
            begin = root.t;
            current = root.on;
        }
        check_piece(1);
        CHECK_EQ(current, last);
    }
}

TEST(ties_of_an_envelope_are_within_its_ranges) {
    std::mt19937 random(3);
    std::normal_distribution<> normal;
    for (int round = 0; round < 200; ++round) {
        const DrawnLines drawn(random, 2 + random() % 5, [&] { return normal(random); });
        const double bound = round % 2 ? 0.05 : 0.5;
        std::vector<Root> roots;
        std::vector<Range> open;
        const Kept sink{&roots, &open};
        const Envelope<double> envelope = drawn.envelope({1e-12, bound});
        envelope.mark_ties(sink);
        envelope.walk(envelope.first(), sink);
        for (const Root& root : roots) {
            open.push_back({root.t - root.error, root.t + root.error});
        }
        for (int i = 0; i <= 100; ++i) {
            const double t = i / 100.0;
            int near = 0;
            for (std::int64_t e = 0; e < drawn.lines().size(); ++e) {
                near += drawn.lines().real(e) &&
                        drawn.top(t) - drawn.lines().between(e, t) <= 0.99 * bound;
            }
            const bool told = std::ranges::any_of(
                open, [&](const Range& range) { return range.low <= t && t <= range.high; });
            CHECK(near < 2 || told);
        }
    }
}

TEST(elements_that_meet_at_one_point_change_once) {
    // 0, then t, then 2 t - 0.5: all three are at 0.5 where t is; the middle one never leads by
    // more than the snap.
    const std::int32_t index[] = {0, 1, 2};
    const double left[] = {0.5, 0.25, 0};
    const double right[] = {0.5, 0.75, 1};
    const std::uint8_t exact[] = {0, 0, 0};
    const Envelope<double> envelope({index, 3, left, right}, 0, 1, {1e-9, 1e-8}, exact);
    std::vector<Root> roots;
    std::vector<Range> open;
    CHECK_EQ(envelope.walk(envelope.first(), Kept{&roots, &open}), 2);
    CHECK_EQ(roots.size(), 1u);
    CHECK(roots[0].off == 0 && roots[0].on == 2 && std::fabs(roots[0].t - 0.5) < 1e-8);
    CHECK(!open.empty());
}

TEST(changes_closer_than_their_snaps_are_one) {
    // 0, then 10 (t - 0.5), then that plus (t - 0.5041) / 2, whose change is known least.
    const std::int32_t index[] = {0, 1, 2};
    const double left[] = {0, -5, -5 - 0.5041 / 2};
    const double right[] = {0, 5, 5 + 0.4959 / 2};
    const std::uint8_t exact[] = {0, 0, 0};
    const Envelope<double> envelope({index, 3, left, right}, 0, 1, {0.002, 0.004}, exact);
    std::vector<Root> roots;
    std::vector<Range> open;
    CHECK_EQ(envelope.walk(envelope.first(), Kept{&roots, &open}), 2);
    CHECK_EQ(roots.size(), 1u);
    CHECK(roots[0].off == 0 && roots[0].on == 2 && std::fabs(roots[0].t - 0.5) < 1e-12);
    CHECK(std::fabs(roots[0].error - 0.008) < 1e-9);
    CHECK(std::ranges::any_of(open, [](const Range& range) {
        return std::fabs(range.low - 0.492) < 1e-9 && std::fabs(range.high - 0.5121) < 1e-9;
    }));
}

TEST(equal_elements_are_assumed_so_unless_inactive) {
    const std::int32_t index[] = {0, 1};
    const double zeros[] = {0, 0};
    const std::uint8_t exact[] = {1, 1};
    const std::uint8_t not_exact[] = {1, 0};
    for (const bool inactive : {true, false}) {
        std::vector<Root> roots;
        std::vector<Range> open;
        const Envelope<double> envelope({index, 2, zeros, zeros}, 0, 1, {1e-9, 1e-8},
                                        inactive ? exact : not_exact);
        envelope.mark_ties(Kept{&roots, &open});
        CHECK_EQ(open.empty(), inactive);
        CHECK_EQ(envelope.doubt_of_change(envelope, 0, 1), 0);
    }
}

TEST(an_envelope_of_values_that_left_the_range_ends) {
    const std::int32_t index[] = {0, 1, -1, 2};
    const std::uint8_t exact[] = {0, 0, 0};
    const double values[] = {no_number, infinity, -infinity, 1, 0};
    for (const double a : values) {
        for (const double b : values) {
            for (const double c : values) {
                const double left[] = {a, b, c};
                const double right[] = {c, a, b};
                std::vector<Root> roots;
                std::vector<Range> open;
                const Envelope<double> envelope({index, 4, left, right}, 0, 1, {1e-9, 1e-8}, exact);
                envelope.mark_ties(Kept{&roots, &open});
                envelope.walk(envelope.first(), Kept{&roots, &open});
                CHECK(roots.size() <= 3);
            }
        }
    }
}

TEST(bounds_of_one_part_and_of_nothing) {
    const Bounds part{1, 2, 3, 1e300, 5, 6};
    JoinedBounds one;
    one.take(part);
    CHECK_EQ(one.all(1).size2, part.size2);  // whose square leaves the range
    CHECK_EQ(one.all(4).e2, slack * 2);
    CHECK_EQ(JoinedBounds().all(1).e2, 0);
    CHECK_EQ(SumOfBounds(0, unit_roundoff).all().einf, 0);
    const Bounds same = kink_bounds(part, 0.5, 1, {}, 0);
    CHECK(same.snapinf == part.snapinf && same.einf == slack * part.einf);
    const Bounds none = affine_bounds(affine_step({}, 3, {unit_roundoff, 0}), {1, 1, 0, 3}, {}, 0);
    CHECK(none.e2 == 0 && none.einf == 0 && none.size2 == 0 && none.steps == 1);
}

TEST(sweep_sets_of_knots_have_words_of_their_own) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::int64_t> begin{0};
        for (std::size_t tracks = 1 + random() % 9; tracks > 0; --tracks) {
            begin.push_back(begin.back() + static_cast<std::int64_t>(random() % 200));
        }
        const auto tracks = static_cast<std::int64_t>(begin.size()) - 1;
        const cuda::KnotWords layout{begin.data(), tracks, begin.back()};
        std::int64_t first_free = 0;
        for (std::int64_t list = 0; list < 2 * tracks; ++list) {
            const auto track = static_cast<std::size_t>(list % tracks);
            const std::int64_t first = layout.first_of_list(list);
            const std::int64_t words = (begin[track + 1] - begin[track] + 63) / 64;
            CHECK(first >= first_free);
            first_free = first + words;
            for (std::int64_t word = first; word < first_free; ++word) {
                CHECK_EQ(layout.track_at(word % layout.per_cell()), list % tracks);
            }
        }
        CHECK(first_free <= 2 * layout.per_cell());
    }
}

TEST(sweep_rows_find_their_knots) {
    std::mt19937 random(8);
    for (int round = 0; round < 200; ++round) {
        std::vector<double> all;
        std::vector<double> some;
        for (std::size_t i = 0; i < 1 + random() % 100; ++i) {
            all.insert(all.end(), 1 + random() % 8 / 7, static_cast<double>(i));
            if (random() % 3 != 0) {
                some.push_back(all.back());
            }
        }
        for (std::size_t i = 0; i < some.size(); ++i) {
            const std::int64_t found = cuda::position_of_row(
                all.data(), static_cast<std::int64_t>(all.size()), some.data(),
                static_cast<std::int64_t>(some.size()), static_cast<std::int64_t>(i));
            CHECK_EQ(found, std::ranges::lower_bound(all, some[i]) - all.begin());
        }
    }
}

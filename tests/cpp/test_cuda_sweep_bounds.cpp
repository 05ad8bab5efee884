// The kernels of a sweep's rounding bounds, on the emulator, against the CPU's functions.

#include <cuda_runtime.h>

#include <cmath>
#include <vector>

#include "check.hpp"
#include "cuda_tests.hpp"
#include "ordered_bits.hpp"
#include "sweep/bounds.hpp"
#include "sweep_rows.hpp"

namespace {

using namespace splinecode;
using sweep::Bounds;

constexpr double Bounds::* fields[] = {&Bounds::e2,    &Bounds::einf,    &Bounds::snapinf,
                                       &Bounds::size2, &Bounds::sizeinf, &Bounds::steps};

std::vector<Bounds> drawn_bounds(Random& random, std::int64_t tracks) {
    std::vector<Bounds> all(index(tracks));
    for (Bounds& bounds : all) {
        for (const auto field : fields) {
            bounds.*field = random.one_in(8) ? 0 : std::fabs(random.normal());
        }
    }
    return all;
}

/// As the kernels take them: (6, tracks).
std::vector<double> as_array(const std::vector<Bounds>& all) {
    std::vector<double> array;
    for (const auto field : fields) {
        for (const Bounds& bounds : all) {
            array.push_back(bounds.*field);
        }
    }
    return array;
}

bool close(double a, double b) { return std::fabs(a - b) <= 1e-12 * std::fabs(b); }

void check_bounds(const std::vector<double>& got, const std::vector<Bounds>& wanted) {
    const std::vector<double> all = as_array(wanted);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(close(got[i], all[i]));
    }
}

}  // namespace

TEST(emulated_affine_bounds) {
    Random random(21);
    for (const std::int64_t n : {0, 1, 255, 256, 700}) {
        const FewerBlocks fewer(random);
        const std::int64_t tracks = random.from(1, 5);
        const std::vector<Bounds> from = drawn_bounds(random, tracks);
        sweep::Norms norms;
        for (std::int64_t j = 0; j < n; ++j) {
            for (auto* const row : {&norms.row1, &norms.row2, &norms.bias}) {
                row->push_back(random.one_in(8) ? 0 : std::fabs(random.normal()));
            }
        }
        norms.operator2 = 3, norms.local2 = 4, norms.bias2 = 5, norms.terms = 100;
        const double sums = 7;
        std::vector<double> to(index(6 * tracks));
        std::vector<double> step(index(7 * tracks));
        const std::vector<double> source = as_array(from);
        cuda::affine_bounds(source.data(),
                            {norms.row1.data(), norms.row2.data(), norms.bias.data(), n},
                            {norms.operator2, norms.local2, norms.bias2, norms.terms + sums},
                            {0x1p-53, 0x1p-1074}, to.data(), step.data(), tracks, {});
        std::vector<Bounds> wanted;
        for (std::size_t track = 0; track < from.size(); ++track) {
            sweep::UnitTolerances units;
            wanted.push_back(sweep::affine_bounds(norms, from[track], sums, units));
            // What the units' tolerances follow from.
            double taken[7];
            for (std::size_t i = 0; i < 7; ++i) {
                taken[i] = step[i * from.size() + track];
            }
            const sweep::AffineStep from_step{taken[0], taken[1], taken[2], taken[3],
                                              taken[4], taken[5], taken[6]};
            for (std::size_t j = 0; j < index(n); ++j) {
                const sweep::UnitTolerance unit =
                    sweep::unit_tolerance(from_step, {norms.row1[j], norms.row2[j], norms.bias[j]});
                CHECK(unit.snap == units.snap[j] && unit.bound == units.bound[j]);
            }
        }
        check_bounds(to, wanted);
    }
}

TEST(emulated_bounds_of_sums_views_and_kinks) {
    Random random(22);
    for (int round = 0; round < rounds(10); ++round) {
        const FewerBlocks fewer(random);
        const std::int64_t tracks = random.one_of<std::int64_t>({1, 3, 255, 600});
        const std::int64_t n = random.from(1, 3);
        const double multiplicity = random.one_of({1.0, 2.0, 9.0});
        std::vector<std::vector<Bounds>> by_track(index(tracks));
        std::vector<double> from;
        std::vector<Bounds> last;
        for (std::int64_t i = 0; i < n; ++i) {
            last = drawn_bounds(random, tracks);
            for (std::size_t track = 0; track < last.size(); ++track) {
                by_track[track].push_back(last[track]);
            }
            const std::vector<double> array = as_array(last);
            from.insert(from.end(), array.begin(), array.end());
        }
        std::vector<double> to(index(6 * tracks), -1);
        std::vector<Bounds> wanted;
        for (const auto& nodes : by_track) {
            wanted.push_back(sweep::sum_bounds(nodes));
        }
        cuda::sum_bounds(from.data(), n, 0x1p-53, to.data(), tracks, {});
        check_bounds(to, wanted);

        wanted.clear();
        for (const auto& nodes : by_track) {
            wanted.push_back(sweep::view_bounds(nodes, multiplicity));
        }
        cuda::view_bounds(from.data(), n, multiplicity, to.data(), tracks, {});
        check_bounds(to, wanted);

        const double steepest = random.one_of({0.5, 1.0, 3.0});
        std::vector<std::int64_t> shift;
        std::vector<double> together;
        wanted.clear();
        for (const Bounds& bounds : last) {
            const sweep::KinkErrors errors{std::fabs(random.normal()),
                                           static_cast<double>(random.from(0, 5))};
            shift.push_back(cuda::magnitude_bits(errors.shift));
            together.push_back(errors.together);
            wanted.push_back(sweep::kink_bounds(bounds, steepest, multiplicity, errors));
        }
        const std::vector<double> array = as_array(last);
        cuda::kink_bounds(array.data(), steepest, multiplicity, shift.data(), together.data(),
                          0x1p-53, to.data(), tracks, {});
        check_bounds(to, wanted);
    }
}

TEST(emulated_bounds_of_no_tracks) {
    const long launches = emulator::runtime.launches;
    cuda::affine_bounds(nullptr, {}, {}, {}, nullptr, nullptr, 0, {});
    cuda::sum_bounds(nullptr, 1, 0, nullptr, 0, {});
    cuda::view_bounds(nullptr, 1, 1, nullptr, 0, {});
    cuda::kink_bounds(nullptr, 1, 1, nullptr, nullptr, 0, nullptr, 0, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}

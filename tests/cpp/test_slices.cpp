#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "check.hpp"
#include "parallel.hpp"
#include "slices/merging.hpp"
#include "slices/mesh.hpp"
#include "slices/splitting.hpp"

using namespace splinecode;
using namespace splinecode::slices;

namespace {

/// a u + b v + c on the window [-1, 1]^2.
struct Line {
    double a;
    double b;
    double c;
    double at(double u, double v) const { return a * u + b * v + c; }
};

using Points = std::vector<std::array<double, 2>>;
constexpr std::array<std::array<double, 2>, 4> window{{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}};

Points points_of(const Mesh& mesh) {
    std::vector<double> rows(2 * mesh.sources.size());
    for (std::size_t i = 0; i < 4; ++i) {
        rows[2 * i] = window[i][0];
        rows[2 * i + 1] = window[i][1];
    }
    interpolate(mesh, 4, rows.data(), 2, {}, {});
    Points points;
    for (std::size_t i = 0; i < rows.size(); i += 2) {
        points.push_back({rows[i], rows[i + 1]});
    }
    return points;
}

/// Cuts by lines, 64 at a time, and keeps which are positive in each face.
void cut(Mesh& mesh, const std::vector<Line>& lines, const Interrupt& interrupt = {}) {
    for (std::size_t first = 0; first < lines.size(); first += 64) {
        const Points points = points_of(mesh);
        Forms forms;
        forms.width = static_cast<std::int64_t>(std::min<std::size_t>(64, lines.size() - first));
        forms.tolerance.snap.fill(1e-14);
        forms.tolerance.bound.fill(1e-13);
        for (const auto& [u, v] : points) {
            for (std::size_t j = 0; j < at(forms.width); ++j) {
                forms.z.push_back(lines[first + j].at(u, v));
            }
        }
        for (std::size_t v = 0; v < points.size(); ++v) {
            forms.signs.push_back(forms.signs_of(forms.row(static_cast<std::int64_t>(v))));
        }
        const auto positive = split(mesh, forms, 1 << 20, interrupt);
        for (std::int64_t face = 0; face < mesh.faces(); ++face) {
            mesh.code(face)[first / 64] = positive[at(face)];
        }
    }
}

/// Euler's formula, areas that add up, every edge beside two faces or the outside.
void check_topology(const Mesh& mesh) {
    std::set<Index> used;
    for (const Index half : mesh.sides) {
        used.insert(mesh.origin(half));
    }
    const auto vertices = static_cast<std::int64_t>(used.size());
    const auto edges = static_cast<std::int64_t>(mesh.edges.size());
    CHECK_EQ(vertices - edges + mesh.faces(), 1);
    const std::vector<Index> faces = faces_of_halves(mesh);
    for (std::size_t e = 0; e < mesh.edges.size(); ++e) {
        CHECK(faces[2 * e] >= 0 || faces[2 * e + 1] >= 0);
    }
    const Points points = points_of(mesh);
    double total = 0;
    for (std::int64_t face = 0; face < mesh.faces(); ++face) {
        double twice = 0;
        for (std::int64_t i = mesh.offsets[at(face)]; i < mesh.offsets[at(face + 1)]; ++i) {
            const Index half = mesh.sides[at(i)];
            const auto& a = points[at(mesh.origin(half))];
            const auto& b = points[at(mesh.origin(half ^ 1))];
            twice += a[0] * b[1] - a[1] * b[0];
            const std::int64_t next =
                i + 1 < mesh.offsets[at(face + 1)] ? i + 1 : mesh.offsets[at(face)];
            CHECK_EQ(mesh.origin(mesh.sides[at(next)]), mesh.origin(half ^ 1));
        }
        CHECK(twice > -1e-14);
        total += twice / 2;
    }
    CHECK(std::fabs(total - 4) < 1e-12);
}

std::vector<Line> random_lines(std::size_t n, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<Line> lines(n);
    for (Line& line : lines) {
        line = {normal(random), normal(random), 0.5 * normal(random)};
    }
    return lines;
}

/// Faces of an arrangement of lines in general position: one, one a line that meets the window, one
/// a crossing inside of it.
std::int64_t faces_of(const std::vector<Line>& lines) {
    std::int64_t faces = 1;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        double least = 1e300;
        double most = -1e300;
        for (const auto& [u, v] : window) {
            least = std::min(least, lines[i].at(u, v));
            most = std::max(most, lines[i].at(u, v));
        }
        faces += least < 0 && most > 0;
        for (std::size_t j = 0; j < i; ++j) {
            const Line& x = lines[i];
            const Line& y = lines[j];
            const double det = x.a * y.b - x.b * y.a;
            const double u = (x.b * y.c - y.b * x.c) / det;
            const double v = (y.a * x.c - x.a * y.c) / det;
            faces += std::fabs(u) < 1 && std::fabs(v) < 1;
        }
    }
    return faces;
}

}  // namespace

TEST(slices_are_arrangements_of_lines) {
    for (const std::size_t n : {0, 1, 2, 5, 63, 64, 65, 150}) {
        const auto lines = random_lines(n, static_cast<unsigned>(n));
        Mesh mesh(3);
        cut(mesh, lines);
        check_topology(mesh);
        CHECK_EQ(mesh.faces(), faces_of(lines));
    }
}

TEST(slices_do_not_depend_on_the_number_of_threads) {
    const auto lines = random_lines(190, 3);
    std::vector<Mesh> meshes;
    for (const int n : {1, 4}) {
        set_threads(n);
        meshes.emplace_back(3);
        cut(meshes.back(), lines);
    }
    set_threads(0);
    CHECK(meshes[0].sides == meshes[1].sides);
    CHECK(meshes[0].codes == meshes[1].codes);
    CHECK(points_of(meshes[0]) == points_of(meshes[1]));
}

TEST(slices_through_one_point_meet_there) {
    for (const std::size_t n : {3, 64, 100}) {
        std::vector<Line> lines;
        for (std::size_t i = 0; i < n; ++i) {
            const double angle = 3.14159265358979 * static_cast<double>(i) / static_cast<double>(n);
            const double a = std::cos(angle);
            const double b = std::sin(angle);
            lines.push_back({a, b, -(0.3 * a + 0.1 * b)});
        }
        Mesh mesh(2);
        cut(mesh, lines);
        check_topology(mesh);
        CHECK_EQ(mesh.faces(), static_cast<std::int64_t>(2 * n));
        CHECK(std::ranges::count(mesh.doubtful, 1) >= (n > 2 ? 1 : 0));
    }
}

TEST(slices_with_equal_lines_and_lines_on_corners_and_borders) {
    Mesh mesh(1);
    cut(mesh, {{1, 1, 0},
               {1, -1, 0},
               {1, 0, 0},
               {1, 0, 0},
               {0, -2, 0},
               {1, 0, 1},
               {1, 1, -2},
               {0, 0, 0},
               {0, 0, 5}});
    check_topology(mesh);
    CHECK_EQ(mesh.faces(), 8);
    CHECK_EQ(mesh.vertices(), 9);
}

/// Whether faces that lie side by side have different codes.
bool neighbours_differ(const Mesh& mesh) {
    const std::vector<Index> faces = faces_of_halves(mesh);
    for (std::size_t e = 0; e < mesh.edges.size(); ++e) {
        const Index left = faces[2 * e];
        const Index right = faces[2 * e + 1];
        if (left >= 0 && right >= 0 &&
            std::equal(mesh.code(left), mesh.code(left) + mesh.words, mesh.code(right))) {
            return false;
        }
    }
    return true;
}

/// Where rounding bends lines beyond every tolerance, faces stay polygons, and what a line parts
/// has different codes.
TEST(slices_of_functions_that_are_not_linear_are_valid) {
    std::mt19937_64 random(5);
    std::normal_distribution<double> normal;
    for (int round = 0; round < 30; ++round) {
        Mesh mesh(4);
        for (int word = 0; word < 4; ++word) {
            Forms forms;
            forms.width = 20;
            for (std::int64_t v = 0; v < mesh.vertices(); ++v) {
                for (int j = 0; j < 20; ++j) {
                    const double z = normal(random);
                    forms.z.push_back(std::fabs(z) < 0.3 ? 0 : z);
                }
            }
            for (std::int64_t v = 0; v < mesh.vertices(); ++v) {
                forms.signs.push_back(forms.signs_of(forms.row(v)));
            }
            try {
                const auto positive = split(mesh, forms, 2000, {});
                for (std::int64_t face = 0; face < mesh.faces(); ++face) {
                    mesh.code(face)[word] = positive[at(face)];
                }
            } catch (const TooManyPolygons&) {
                break;
            }
            std::set<Index> used;
            for (const Index half : mesh.sides) {
                used.insert(mesh.origin(half));
            }
            CHECK_EQ(static_cast<std::int64_t>(used.size()) -
                         static_cast<std::int64_t>(mesh.edges.size()) + mesh.faces(),
                     1);
            CHECK(neighbours_differ(mesh));
        }
    }
}

TEST(slices_join_faces_of_one_code) {
    const auto lines = random_lines(40, 11);
    Mesh mesh(1);
    cut(mesh, lines);
    const std::int64_t before = mesh.faces();
    merge_equal(mesh);
    CHECK_EQ(mesh.faces(), before);
    // Without the bits of the other lines, what is left is the arrangement of the first five.
    for (std::uint64_t& code : mesh.codes) {
        code &= 31;
    }
    merge_equal(mesh);
    check_topology(mesh);
    CHECK_EQ(mesh.faces(), faces_of({lines.begin(), lines.begin() + 5}));
    Mesh few(1);
    cut(few, {lines.begin(), lines.begin() + 5});
    CHECK_EQ(mesh.edges.size(), few.edges.size());
}

TEST(slices_join_no_face_down_to_two_sides) {
    Mesh mesh(1);
    cut(mesh, {{1, 0, 0.5}, {0, 1, 0.5}, {-1, -1, 0}});
    CHECK_EQ(mesh.faces(), 7);
    // The three faces at the corner of the first two lines become one around it.
    for (std::uint64_t& code : mesh.codes) {
        code = (code & 4) | ((code & 3) == 3 ? 1 : 0);
    }
    merge_equal(mesh);
    check_topology(mesh);
    CHECK_EQ(mesh.faces(), 5);
    for (std::int64_t face = 0; face < mesh.faces(); ++face) {
        CHECK(mesh.offsets[at(face + 1)] - mesh.offsets[at(face)] >= 3);
    }
}

TEST(slices_can_be_interrupted_and_are_bounded) {
    Mesh mesh(1);
    set_threads(1);
    CHECK_THROWS(cut(mesh, random_lines(20, 1), [] { return true; }), Interrupted);
    set_threads(0);
    Mesh other(1);
    Forms forms;
    forms.width = 1;
    forms.z = {-1, 1, 1, -1};
    for (std::int64_t v = 0; v < 4; ++v) {
        forms.signs.push_back(forms.signs_of(forms.row(v)));
    }
    CHECK_THROWS(split(other, forms, 1, {}), TooManyPolygons);
}

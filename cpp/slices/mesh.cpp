#include "slices/mesh.hpp"

#include <algorithm>

#include "simd.hpp"

namespace splinecode::slices {
namespace {

constexpr std::int64_t rows_a_block = 256;
constexpr double value_ns = 0.5;

}  // namespace

Mesh::Mesh(std::int64_t words_of_a_code)
    : sources(corners, Source{-1, -1, 0}),
      doubtful(corners, 0),
      levels{0, corners},
      edges{{0, 1}, {1, 2}, {2, 3}, {3, 0}},
      offsets{0, corners},
      sides{0, 2, 4, 6},
      words(words_of_a_code),
      codes(at(words_of_a_code)) {}

std::vector<Index> faces_of_halves(const Mesh& mesh) {
    std::vector<Index> faces(2 * mesh.edges.size(), -1);
    for (std::int64_t face = 0; face < mesh.faces(); ++face) {
        for (std::int64_t i = mesh.offsets[at(face)]; i < mesh.offsets[at(face + 1)]; ++i) {
            faces[at(mesh.sides[at(i)])] = static_cast<Index>(face);
        }
    }
    return faces;
}

void interpolate(const Mesh& mesh, std::int64_t first, double* rows, std::int64_t width,
                 const std::vector<OnBoundary>& set, const Interrupt& interrupt) {
    auto next = set.begin();
    const auto set_before = [&](std::int64_t vertex) {
        for (; next != set.end() && next->vertex < vertex; ++next) {
            rows[next->vertex * width + next->unit] = next->value;
        }
    };
    set_before(first);
    for (std::size_t level = 0; level + 1 < mesh.levels.size(); ++level) {
        const std::int64_t begin = mesh.levels[level];
        const std::int64_t end = mesh.levels[level + 1];
        if (begin < first) {
            continue;
        }
        const std::int64_t blocks = (end - begin + rows_a_block - 1) / rows_a_block;
        const double work = value_ns * static_cast<double>((end - begin) * width);
        const auto fill = [&](std::int64_t block) {
            const std::int64_t last = std::min(end, begin + (block + 1) * rows_a_block);
            for (std::int64_t v = begin + block * rows_a_block; v < last; ++v) {
                const Source& source = mesh.sources[at(v)];
                kernels().put_between(rows + source.a * width, rows + source.b * width, source.t,
                                      at(width), rows + v * width);
            }
        };
        parallel_for(blocks, work, fill, interrupt);
        set_before(end);
    }
}

}  // namespace splinecode::slices

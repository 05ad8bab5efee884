#include "slices/edge_cuts.hpp"

#include <algorithm>
#include <bit>

namespace splinecode::slices {
namespace {

constexpr std::int64_t edges_a_block = 1024;
constexpr double edge_ns = 30;

struct Zero {
    double t;
    int bit;
};

/// Adds the vertices of an edge, from its beginning to its end; returns how many.
Index cut_edge(const Edge& edge, const Forms& forms, Vertices& to) {
    const Signs& a = forms.signs[at(edge.from)];
    const Signs& b = forms.signs[at(edge.to)];
    const std::uint64_t crossing = opposite(a, b);
    const double* const za = forms.row(edge.from);
    const double* const zb = forms.row(edge.to);
    std::array<Zero, 64> zeros;
    std::size_t n = 0;
    for (std::uint64_t rest = crossing; rest != 0; rest &= rest - 1) {
        const int bit = std::countr_zero(rest);
        zeros[n++] = {za[bit] / (za[bit] - zb[bit]), bit};
    }
    std::sort(zeros.begin(), zeros.begin() + static_cast<std::ptrdiff_t>(n),
              [](const Zero& x, const Zero& y) { return x.t != y.t ? x.t < y.t : x.bit < y.bit; });
    std::uint64_t ahead = crossing;  // functions that have not changed sides yet
    Index count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t bit = std::uint64_t{1} << zeros[i].bit;
        if ((ahead & bit) == 0) {
            continue;  // it is on its boundary at the vertex before
        }
        const std::uint64_t behind = crossing & ~ahead;
        const Signs may_be{(a.on & ~behind) | (b.on & ~ahead),
                           (a.off & ~behind) | (b.off & ~ahead)};
        forms.make({edge.from, edge.to, zeros[i].t}, za, zb, bit, may_be, to);
        ahead &= ~(bit | to.signs.back().zero());
        ++count;
    }
    return count;
}

}  // namespace

void append(Mesh& mesh, Forms& forms, const Vertices& more) {
    mesh.sources.insert(mesh.sources.end(), more.sources.begin(), more.sources.end());
    mesh.doubtful.insert(mesh.doubtful.end(), more.doubtful.begin(), more.doubtful.end());
    forms.z.insert(forms.z.end(), more.z.begin(), more.z.end());
    forms.signs.insert(forms.signs.end(), more.signs.begin(), more.signs.end());
}

std::vector<EdgeParts> cut_edges(Mesh& mesh, Forms& forms, const Interrupt& interrupt) {
    const auto n = static_cast<std::int64_t>(mesh.edges.size());
    const std::int64_t blocks = (n + edges_a_block - 1) / edges_a_block;
    std::vector<EdgeParts> parts(at(n), EdgeParts{0, 0});
    std::vector<Vertices> found(at(blocks));
    const auto cut = [&](std::int64_t block) {
        const std::int64_t end = std::min(n, (block + 1) * edges_a_block);
        for (std::int64_t e = block * edges_a_block; e < end; ++e) {
            const Edge& edge = mesh.edges[at(e)];
            if (opposite(forms.signs[at(edge.from)], forms.signs[at(edge.to)]) != 0) {
                parts[at(e)].count = cut_edge(edge, forms, found[at(block)]);
            }
        }
    };
    parallel_for(blocks, edge_ns * static_cast<double>(n), cut, interrupt);
    auto vertex = static_cast<Index>(mesh.vertices());
    for (const Vertices& more : found) {
        append(mesh, forms, more);
    }
    for (std::int64_t e = 0; e < n; ++e) {
        const Index count = parts[at(e)].count;
        if (count == 0) {
            continue;
        }
        parts[at(e)].first = static_cast<Index>(mesh.edges.size());
        const Index end = mesh.edges[at(e)].to;
        mesh.edges[at(e)].to = vertex;
        for (Index i = 0; i < count; ++i, ++vertex) {
            mesh.edges.push_back({vertex, i + 1 < count ? vertex + 1 : end});
        }
    }
    if (vertex > mesh.levels.back()) {
        mesh.levels.push_back(vertex);
    }
    return parts;
}

}  // namespace splinecode::slices

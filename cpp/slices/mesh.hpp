#pragma once

#include <cstdint>
#include <vector>

#include "parallel.hpp"

/// Exact slices: the partition of a window of a plane in input space into the polygons on which a
/// network is affine.
///
/// The partition is a planar subdivision, whatever rounding does: a vertex is a combination of two
/// earlier ones, an edge belongs to the two faces beside it, and both are cut where it is cut. Each
/// layer of kinks cuts faces along the lines on which a unit changes its piece, 64 bits of its code
/// at a time. Which edge and which face a line cuts is read from the signs of the unit at their
/// vertices alone.
namespace splinecode::slices {

using Index = std::int32_t;

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A vertex lies at (1 - t) a + t b, of two earlier vertices; those of the window have a = -1.
struct Source {
    Index a;
    Index b;
    double t;
};

/// Half-edge 2 e runs from `from` to `to`, half-edge 2 e + 1 back.
struct Edge {
    Index from;
    Index to;
};

struct Mesh {
    explicit Mesh(std::int64_t words_of_a_code);

    std::int64_t vertices() const { return static_cast<std::int64_t>(sources.size()); }
    std::int64_t faces() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
    Index origin(Index half) const {
        const Edge& edge = edges[at(half / 2)];
        return half % 2 == 0 ? edge.from : edge.to;
    }
    std::uint64_t* code(std::int64_t face) { return codes.data() + face * words; }
    const std::uint64_t* code(std::int64_t face) const { return codes.data() + face * words; }

    std::vector<Source> sources;
    std::vector<std::uint8_t> doubtful;  // vertices where rounding may have decided a sign
    std::vector<std::int64_t> levels;    // no vertex of [levels[i], levels[i + 1]) needs another
    std::vector<Edge> edges;
    std::vector<std::int64_t> offsets;  // face f has sides [offsets[f], offsets[f + 1]),
    std::vector<Index> sides;           // half-edges, counter-clockwise
    std::int64_t words;
    std::vector<std::uint64_t> codes;  // (faces, words)
};

constexpr Index corners = 4;

/// The face on the left of each half-edge, -1 where there is none.
std::vector<Index> faces_of_halves(const Mesh& mesh);

/// A vertex on the boundary of a unit: its value is `value`.
struct OnBoundary {
    Index vertex;
    std::int64_t unit;
    double value;
};

/// Fills rows [first, vertices) of `width` values, of which those before hold the vertices'. `set`
/// is in the order of vertices, and its values are set before others are made of them.
void interpolate(const Mesh& mesh, std::int64_t first, double* rows, std::int64_t width,
                 const std::vector<OnBoundary>& set, const Interrupt& interrupt);

}  // namespace splinecode::slices

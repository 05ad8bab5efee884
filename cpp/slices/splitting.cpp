#include "slices/splitting.hpp"

#include <algorithm>

#include "memory.hpp"
#include "slices/edge_cuts.hpp"
#include "slices/face_cuts.hpp"

namespace splinecode::slices {
namespace {

constexpr std::int64_t faces_a_block = 256;
constexpr double face_ns = 150;

/// Whether a face has vertices on both sides of a function; `positive`: functions that are positive
/// at some vertex, a face each.
bool any_is_cut(const Mesh& mesh, const Forms& forms, std::vector<std::uint64_t>& positive) {
    positive.resize(at(mesh.faces()));
    std::uint64_t cut = 0;
    for (std::int64_t face = 0; face < mesh.faces(); ++face) {
        Signs any;
        for (std::int64_t i = mesh.offsets[at(face)]; i < mesh.offsets[at(face + 1)]; ++i) {
            const Signs& here = forms.signs[at(mesh.origin(mesh.sides[at(i)]))];
            any.on |= here.on;
            any.off |= here.off;
        }
        positive[at(face)] = any.on;
        cut |= any.on & any.off;
    }
    return cut != 0;
}

/// The sides of a face whose edges were cut.
void sides_with_parts(const Mesh& mesh, const std::vector<EdgeParts>& parts, std::int64_t face,
                      std::vector<Index>& sides) {
    sides.clear();
    for (std::int64_t i = mesh.offsets[at(face)]; i < mesh.offsets[at(face + 1)]; ++i) {
        const Index half = mesh.sides[at(i)];
        const EdgeParts& part = parts[at(half / 2)];
        if (half % 2 == 0) {
            sides.push_back(half);
            for (Index k = 0; k < part.count; ++k) {
                sides.push_back(2 * (part.first + k));
            }
        } else {
            for (Index k = part.count; k-- > 0;) {
                sides.push_back(2 * (part.first + k) + 1);
            }
            sides.push_back(half);
        }
    }
}

/// Numbers what a block made, behind what blocks before it made.
void shift(Polygons& block, const Mesh& mesh, Index vertices, Index edges) {
    const auto first_vertex = static_cast<Index>(mesh.vertices());
    const auto first_edge = static_cast<Index>(mesh.edges.size());
    for (Edge& edge : block.edges) {
        edge.from += edge.from >= first_vertex ? vertices : 0;
        edge.to += edge.to >= first_vertex ? vertices : 0;
    }
    for (Index& half : block.sides) {
        half += half >= 2 * first_edge ? 2 * edges : 0;
    }
}

/// Puts the polygons of all blocks in place of the faces.
std::vector<std::uint64_t> replace_faces(Mesh& mesh, Forms& forms, std::vector<Polygons>& blocks) {
    std::int64_t faces = 0;
    std::int64_t sides = 0;
    Index vertices = 0;
    Index edges = 0;
    for (Polygons& block : blocks) {
        shift(block, mesh, vertices, edges);
        faces += static_cast<std::int64_t>(block.ends.size());
        sides += static_cast<std::int64_t>(block.sides.size());
        vertices += static_cast<Index>(block.vertices.size());
        edges += static_cast<Index>(block.edges.size());
    }
    need_memory(saturating_product({faces, mesh.words, 8}), "the codes of the polygons of a slice");
    std::vector<std::uint64_t> codes(at(faces * mesh.words));
    std::vector<std::uint64_t> on;
    mesh.offsets.resize(1);
    mesh.sides.clear();
    mesh.sides.reserve(at(sides));
    std::uint64_t* code = codes.data();
    for (const Polygons& block : blocks) {
        const auto before = static_cast<std::int64_t>(mesh.sides.size());
        mesh.sides.insert(mesh.sides.end(), block.sides.begin(), block.sides.end());
        for (std::size_t i = 0; i < block.ends.size(); ++i) {
            mesh.offsets.push_back(before + block.ends[i]);
            code = std::copy_n(mesh.code(block.parents[i]), mesh.words, code);
        }
        on.insert(on.end(), block.on.begin(), block.on.end());
        mesh.edges.insert(mesh.edges.end(), block.edges.begin(), block.edges.end());
        append(mesh, forms, block.vertices);
    }
    mesh.codes = std::move(codes);
    if (vertices > 0) {
        mesh.levels.push_back(mesh.vertices());
    }
    return on;
}

}  // namespace

std::vector<std::uint64_t> split(Mesh& mesh, Forms& forms, std::int64_t max_polygons,
                                 const Interrupt& interrupt) {
    std::vector<std::uint64_t> positive;
    if (!any_is_cut(mesh, forms, positive)) {
        return positive;
    }
    const std::vector<EdgeParts> parts = cut_edges(mesh, forms, interrupt);
    const std::int64_t n = mesh.faces();
    const std::int64_t n_blocks = (n + faces_a_block - 1) / faces_a_block;
    std::vector<Polygons> blocks(at(n_blocks));
    const auto cut = [&](std::int64_t block) {
        FaceCutter cutter(mesh, forms);
        std::vector<Index> sides;
        const std::int64_t end = std::min(n, (block + 1) * faces_a_block);
        for (std::int64_t face = block * faces_a_block; face < end; ++face) {
            sides_with_parts(mesh, parts, face, sides);
            cutter.cut(static_cast<Index>(face), sides, blocks[at(block)]);
            if (static_cast<std::int64_t>(blocks[at(block)].ends.size()) > max_polygons) {
                throw TooManyPolygons();
            }
        }
    };
    parallel_for(n_blocks, face_ns * static_cast<double>(n), cut, interrupt);
    std::int64_t faces = 0;
    for (const Polygons& block : blocks) {
        faces += static_cast<std::int64_t>(block.ends.size());
    }
    if (faces > max_polygons) {
        throw TooManyPolygons();
    }
    return replace_faces(mesh, forms, blocks);
}

}  // namespace splinecode::slices

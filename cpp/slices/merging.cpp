#include "slices/merging.hpp"

#include <algorithm>

namespace splinecode::slices {
namespace {

/// In the place of a vertex's number of edges: it stays.
constexpr std::int32_t bent = -1;

class Merging {
public:
    explicit Merging(Mesh& mesh)
        : mesh_(mesh),
          faces_(faces_of_halves(mesh)),
          next_(faces_.size(), -1),
          visited_(faces_.size(), 0),
          degree_(mesh.sources.size(), 0) {}

    void run() {
        link();
        std::vector<std::vector<Index>> loops;
        std::vector<std::uint64_t> codes;
        for (std::int64_t face = 0; face < mesh_.faces(); ++face) {
            for (std::int64_t i = mesh_.offsets[at(face)]; i < mesh_.offsets[at(face + 1)]; ++i) {
                const Index half = mesh_.sides[at(i)];
                if (visited_[at(half)] == 0 && !inner(half)) {
                    loops.push_back(trace(half));
                    codes.insert(codes.end(), mesh_.code(face), mesh_.code(face) + mesh_.words);
                }
            }
        }
        for (const std::vector<Index>& loop : loops) {
            keep_three_sides(loop);
        }
        mesh_.offsets.resize(1);
        mesh_.sides.clear();
        for (std::vector<Index>& loop : loops) {
            join_straight(loop);
            mesh_.offsets.push_back(static_cast<std::int64_t>(mesh_.sides.size()));
        }
        mesh_.codes = std::move(codes);
        drop_edges();
    }

private:
    /// Whether the faces on both sides have one code.
    bool inner(Index half) const {
        const Index a = faces_[at(half)];
        const Index b = faces_[at(half ^ 1)];
        return a >= 0 && b >= 0 &&
               std::equal(mesh_.code(a), mesh_.code(a) + mesh_.words, mesh_.code(b));
    }

    void link() {
        for (std::int64_t face = 0; face < mesh_.faces(); ++face) {
            const std::int64_t begin = mesh_.offsets[at(face)];
            const std::int64_t end = mesh_.offsets[at(face + 1)];
            for (std::int64_t i = begin; i < end; ++i) {
                next_[at(mesh_.sides[at(i)])] = mesh_.sides[at(i + 1 < end ? i + 1 : begin)];
            }
        }
        for (std::size_t e = 0; e < mesh_.edges.size(); ++e) {
            const auto half = static_cast<Index>(2 * e);
            if (!inner(half) && (faces_[at(half)] >= 0 || faces_[at(half + 1)] >= 0)) {
                ++degree_[at(mesh_.edges[e].from)];
                ++degree_[at(mesh_.edges[e].to)];
            }
        }
    }

    /// The sides of a joined face, from one of them on.
    std::vector<Index> trace(Index first) {
        std::vector<Index> loop;
        Index half = first;
        do {
            visited_[at(half)] = 1;
            loop.push_back(half);
            half = next_[at(half)];
            while (inner(half)) {
                half = next_[at(half ^ 1)];
            }
        } while (half != first);
        return loop;
    }

    bool stays(Index vertex) const { return vertex < corners || degree_[at(vertex)] != 2; }

    /// Rounding bends lines: a thin face may have lost its corners to its neighbours' joining.
    void keep_three_sides(const std::vector<Index>& loop) {
        const auto kept = [&](Index half) { return stays(mesh_.origin(half)); };
        if (std::ranges::count_if(loop, kept) < 3) {
            for (const Index half : loop) {
                degree_[at(mesh_.origin(half))] = bent;
            }
        }
    }

    /// Adds a loop to the sides, each run of edges as one: the one of the lowest number, so that
    /// the faces on both sides choose alike.
    void join_straight(std::vector<Index>& loop) {
        const auto start =
            std::ranges::find_if(loop, [&](Index half) { return stays(mesh_.origin(half)); });
        std::ranges::rotate(loop, start);
        for (std::size_t i = 0; i < loop.size();) {
            const Index from = mesh_.origin(loop[i]);
            Index lowest = loop[i];
            do {
                lowest = std::min(lowest, loop[i]);
                ++i;
            } while (i < loop.size() && !stays(mesh_.origin(loop[i])));
            const Index to = mesh_.origin(loop[i - 1] ^ 1);
            joined_.push_back({lowest, lowest % 2 == 0 ? Edge{from, to} : Edge{to, from}});
            mesh_.sides.push_back(lowest);
        }
    }

    /// Ends of joined edges, then edges numbered anew without those that are gone.
    void drop_edges() {
        for (const Joined& joined : joined_) {
            mesh_.edges[at(joined.half / 2)] = joined.edge;
        }
        std::vector<Index> number(mesh_.edges.size(), -1);
        std::vector<Edge> edges;
        for (Index& half : mesh_.sides) {
            Index& fresh = number[at(half / 2)];
            if (fresh < 0) {
                fresh = static_cast<Index>(edges.size());
                edges.push_back(mesh_.edges[at(half / 2)]);
            }
            half = 2 * fresh + half % 2;
        }
        mesh_.edges = std::move(edges);
    }

    struct Joined {
        Index half;
        Edge edge;
    };

    Mesh& mesh_;
    std::vector<Index> faces_;
    std::vector<Index> next_;
    std::vector<std::uint8_t> visited_;
    std::vector<std::int32_t> degree_;
    std::vector<Joined> joined_;
};

}  // namespace

void merge_equal(Mesh& mesh) { Merging(mesh).run(); }

}  // namespace splinecode::slices

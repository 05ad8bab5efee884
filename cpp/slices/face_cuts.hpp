#pragma once

#include "slices/forms.hpp"

/// Cuts one face after the other along the zeros of functions, whose ends its sides have already.
namespace splinecode::slices {

/// What faces became: polygons, and the vertices and edges that are new. New ones are numbered
/// from `first_vertex` and `first_edge` on.
struct Polygons {
    std::vector<std::int64_t> ends;  // of each polygon's sides
    std::vector<Index> sides;
    std::vector<Index> parents;
    std::vector<std::uint64_t> on;  // functions that are positive somewhere in the polygon
    std::vector<Edge> edges;
    Vertices vertices;
};

class FaceCutter {
public:
    /// Vertices and edges of the mesh are what they were when it is made.
    FaceCutter(const Mesh& mesh, const Forms& forms);

    /// Adds to `to` what a face of these sides becomes.
    void cut(Index face, const std::vector<Index>& sides, Polygons& to);

private:
    struct Polygon {
        std::vector<Index> sides;
        Signs any;  // the signs that vertices have
    };
    /// An edge between two polygons, on the boundary of a function.
    struct Chord {
        int bit;
        int cut_by = -1;   // the function that it was cut by in the round of that function
        Index second = 0;  // the part that was cut off
    };
    struct Ends {
        Index a;
        Index b;
    };

    const Edge& edge(Index e) const;
    Index origin(Index half) const;
    const Signs& signs(Index vertex) const;
    const double* row(Index vertex) const;
    Signs any_of(const std::vector<Index>& sides) const;

    void cut_by(int bit);
    void cut_sides(Polygon& polygon, int bit);
    Index part_of_chord(Index e, int bit);
    void new_vertex(const Edge& part, int chord_bit, int bit);
    void cut_off_positive(std::size_t number, int bit);
    Ends ends_on_border(int bit) const;

    const Mesh& mesh_;
    const Forms& forms_;
    Index first_vertex_;
    Index first_edge_;
    Polygons* to_ = nullptr;
    Index first_chord_ = 0;  // of this face
    std::vector<Chord> chords_;
    std::array<Ends, 64> ends_{};  // of the whole line of a function in this face
    std::vector<Index> border_;
    std::vector<Polygon> polygons_;
    std::size_t count_ = 0;
    std::vector<Index> fresh_;
};

}  // namespace splinecode::slices

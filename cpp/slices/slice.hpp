#pragma once

#include "slices/mesh.hpp"
#include "slices/splitting.hpp"
#include "slices/tolerances.hpp"

namespace splinecode::slices {

/// Values (rows, units), a row a vertex.
struct Values {
    const double* data;
    std::int64_t rows;
    std::int64_t units;
};

/// (k, units), rising in k.
struct Thresholds {
    const double* data;
    std::int64_t count;
};

/// (count, size) units of each window, -1 for none.
struct Windows {
    const std::int64_t* index;
    std::int64_t count;
    std::int64_t size;
};

/// What a slice is in the end. Vertices are those that polygons have; `ids` are their numbers.
struct Partition {
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> offsets;
    std::vector<std::int64_t> polygons;  // vertices, counter-clockwise
    std::vector<std::int64_t> edges;     // (edges, 2) vertices
    std::vector<std::int64_t> beside;    // (edges, 2) polygons on the left and on the right, or -1
    std::vector<std::int64_t> places;    // 64 times the word plus the bit, the first that differs
    std::vector<std::uint8_t> ambiguous;
    std::vector<std::uint64_t> codes;
};

/// A window of a plane, being cut by one layer of kinks after the other. Values of nodes at the
/// vertices are the caller's; each layer makes vertices, to which `extend` takes them.
class Slice {
public:
    Slice(const sweep::Program& program, std::int64_t max_polygons);

    std::int64_t vertices() const { return mesh_.vertices(); }
    std::int64_t vertices_before() const { return before_; }  // the last layer

    /// Takes a node's values into the bounds.
    void take(sweep::Index node, const Values& values, const Interrupt& interrupt);

    /// Cuts by a layer, of whose input the values are given.
    void cut_pieces(sweep::Index layer, const Values& values, const Thresholds& thresholds,
                    const Interrupt& interrupt);
    void cut_windows(sweep::Index layer, const Values& values, const Windows& windows,
                     const Interrupt& interrupt);

    /// Copies values at the vertices before the last layer and fills the rows of those that it
    /// made. `of_layer`: they are its input, whose units are set to their boundaries.
    void extend(const Values& values, double* to, bool of_layer, const Interrupt& interrupt) const;

    Partition partition() const;

private:
    void split_word(Forms& forms, const Interrupt& interrupt, std::vector<std::uint64_t>& positive);
    void take_signs(Forms& forms, const Interrupt& interrupt);
    double note_on_boundary(const Forms& forms, std::int64_t first_bit,
                            const Thresholds& thresholds, std::int64_t units);
    void cut_window_word(const Values& values, const Windows& windows, std::int64_t first,
                         const Tolerance& tolerance, const Interrupt& interrupt);
    void set_winner(std::int64_t face, const Windows& windows, std::int64_t window,
                    std::int64_t element);

    const sweep::Program& program_;
    Mesh mesh_;
    Tolerances tolerances_;
    std::int64_t max_polygons_;
    std::int64_t word_ = 0;  // of the layers that are done
    std::int64_t before_ = corners;
    std::vector<OnBoundary> on_boundary_;
};

}  // namespace splinecode::slices

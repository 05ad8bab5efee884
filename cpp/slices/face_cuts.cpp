#include "slices/face_cuts.hpp"

#include <algorithm>
#include <bit>

namespace splinecode::slices {
namespace {

bool has(std::uint64_t bits, int bit) { return (bits >> bit & 1) != 0; }

}  // namespace

FaceCutter::FaceCutter(const Mesh& mesh, const Forms& forms)
    : mesh_(mesh),
      forms_(forms),
      first_vertex_(static_cast<Index>(mesh.vertices())),
      first_edge_(static_cast<Index>(mesh.edges.size())) {}

const Edge& FaceCutter::edge(Index e) const {
    return e < first_edge_ ? mesh_.edges[at(e)] : to_->edges[at(e - first_edge_)];
}

Index FaceCutter::origin(Index half) const {
    const Edge& whole = edge(half / 2);
    return half % 2 == 0 ? whole.from : whole.to;
}

const Signs& FaceCutter::signs(Index vertex) const {
    return vertex < first_vertex_ ? forms_.signs[at(vertex)]
                                  : to_->vertices.signs[at(vertex - first_vertex_)];
}

const double* FaceCutter::row(Index vertex) const {
    return vertex < first_vertex_
               ? forms_.row(vertex)
               : to_->vertices.z.data() + (vertex - first_vertex_) * forms_.width;
}

Signs FaceCutter::any_of(const std::vector<Index>& sides) const {
    Signs any;
    for (const Index half : sides) {
        const Signs& here = signs(origin(half));
        any.on |= here.on;
        any.off |= here.off;
    }
    return any;
}

void FaceCutter::cut(Index face, const std::vector<Index>& sides, Polygons& to) {
    to_ = &to;
    const Signs any = any_of(sides);
    if (polygons_.empty()) {
        polygons_.emplace_back();
    }
    polygons_[0].sides = sides;
    polygons_[0].any = any;
    count_ = 1;
    if ((any.on & any.off) != 0) {
        border_ = sides;
        first_chord_ = first_edge_ + static_cast<Index>(to.edges.size());
        chords_.clear();
        for (std::uint64_t rest = any.on & any.off; rest != 0; rest &= rest - 1) {
            cut_by(std::countr_zero(rest));
        }
    }
    for (std::size_t i = 0; i < count_; ++i) {
        const Polygon& polygon = polygons_[i];
        to.sides.insert(to.sides.end(), polygon.sides.begin(), polygon.sides.end());
        to.ends.push_back(static_cast<std::int64_t>(to.sides.size()));
        to.parents.push_back(face);
        to.on.push_back(polygon.any.on);
    }
}

void FaceCutter::cut_by(int bit) {
    ends_[at(bit)] = ends_on_border(bit);
    const std::size_t count = count_;
    for (std::size_t i = 0; i < count; ++i) {
        if (has(polygons_[i].any.on & polygons_[i].any.off, bit)) {
            cut_sides(polygons_[i], bit);
            cut_off_positive(i, bit);
        }
    }
}

/// The vertices on the boundary before and after the first run of positive ones.
FaceCutter::Ends FaceCutter::ends_on_border(int bit) const {
    const std::size_t n = border_.size();
    const auto on = [&](std::size_t i) { return has(signs(origin(border_[i % n])).on, bit); };
    std::size_t begin = 0;
    while (!on(begin) || on(begin + n - 1)) {
        ++begin;
    }
    std::size_t end = begin;
    while (on(end)) {
        ++end;
    }
    return {origin(border_[(begin + n - 1) % n]), origin(border_[end % n])};
}

/// Puts a vertex on the boundary on each side whose ends are on opposite sides of it.
void FaceCutter::cut_sides(Polygon& polygon, int bit) {
    fresh_.clear();
    for (const Index half : polygon.sides) {
        const Index e = half / 2;
        const Index second = e < first_chord_ ? -1 : part_of_chord(e, bit);
        if (second < 0) {
            fresh_.push_back(half);
        } else if (half % 2 == 0) {
            fresh_.insert(fresh_.end(), {half, 2 * second});
        } else {
            fresh_.insert(fresh_.end(), {2 * second + 1, half});
        }
    }
    polygon.sides.swap(fresh_);
}

/// Cuts a chord, unless the polygon beside it did so; the part after the cut, -1 for no cut.
Index FaceCutter::part_of_chord(Index e, int bit) {
    const auto number = at(e - first_chord_);
    if (chords_[number].cut_by == bit) {
        return chords_[number].second;
    }
    const Edge whole = edge(e);
    if (!has(opposite(signs(whole.from), signs(whole.to)), bit)) {
        return -1;
    }
    new_vertex(whole, chords_[number].bit, bit);
    const Index vertex = first_vertex_ + static_cast<Index>(to_->vertices.size()) - 1;
    const Index second = first_edge_ + static_cast<Index>(to_->edges.size());
    to_->edges[at(e - first_edge_)].to = vertex;
    to_->edges.push_back({vertex, whole.to});
    chords_.push_back({chords_[number].bit});
    chords_[number].cut_by = bit;
    chords_[number].second = second;
    return second;
}

/// Where a function cuts the line of another: between the ends of that line on the border, so that
/// no rounding adds up along it.
void FaceCutter::new_vertex(const Edge& part, int chord_bit, int bit) {
    const Ends& line = ends_[at(chord_bit)];
    const Signs& from = signs(part.from);
    const Signs& to = signs(part.to);
    const Signs may_be{from.on | to.on, from.off | to.off};
    const std::uint64_t known = std::uint64_t{1} << bit | std::uint64_t{1} << chord_bit;
    const double za = row(line.a)[bit];
    const double zb = row(line.b)[bit];
    if (has(opposite(signs(line.a), signs(line.b)), bit)) {
        forms_.make({line.a, line.b, za / (za - zb)}, row(line.a), row(line.b), known, may_be,
                    to_->vertices);
    } else {  // rounding bent the line: stay at the end of the part that is nearer
        const Index near =
            std::fabs(row(part.from)[bit]) < std::fabs(row(part.to)[bit]) ? part.from : part.to;
        const bool made = near >= first_vertex_;
        const Source copy =
            made ? to_->vertices.sources[at(near - first_vertex_)] : Source{near, near, 0};
        forms_.make(copy, row(copy.a), row(copy.b), known, may_be, to_->vertices);
        to_->vertices.doubtful.back() = 1;
    }
}

/// Leaves no polygon with vertices on both sides. Rounding may leave more than one run of positive
/// vertices: each is cut off. Parts of what was on the positive side of a function stay there, even
/// if all vertices of theirs count as on its boundary: so polygons beside each other differ in the
/// bit of the chord between them.
void FaceCutter::cut_off_positive(std::size_t number, int bit) {
    const std::uint64_t side = polygons_[number].any.on & ~polygons_[number].any.off;
    while (true) {
        std::vector<Index>& sides = polygons_[number].sides;
        const std::size_t n = sides.size();
        const auto on = [&](std::size_t i) { return has(signs(origin(sides[i % n])).on, bit); };
        std::size_t begin = 0;
        while (begin < n && (!on(begin) || on(begin + n - 1))) {
            ++begin;
        }
        if (begin == n) {
            break;
        }
        std::size_t end = begin;
        while (on(end)) {
            ++end;
        }
        // The run lies between the vertices `begin - 1` and `end`, which are on the boundary.
        const Index chord = first_edge_ + static_cast<Index>(to_->edges.size());
        to_->edges.push_back({origin(sides[(begin + n - 1) % n]), origin(sides[end % n])});
        chords_.push_back({bit});
        if (count_ == polygons_.size()) {
            polygons_.emplace_back();
        }
        std::vector<Index>& source = polygons_[number].sides;  // polygons may have moved
        std::vector<Index>& part = polygons_[count_].sides;
        part.clear();
        for (std::size_t i = begin + n - 1; i < end + n; ++i) {
            part.push_back(source[i % n]);
        }
        part.push_back(2 * chord + 1);
        fresh_.clear();
        for (std::size_t i = end; i < begin + n - 1; ++i) {
            fresh_.push_back(source[i % n]);
        }
        fresh_.push_back(2 * chord);
        source.swap(fresh_);
        polygons_[count_].any = any_of(part);
        polygons_[count_].any.on |= side;
        ++count_;
        if (!has(any_of(polygons_[number].sides).off, bit)) {
            break;
        }
    }
    polygons_[number].any = any_of(polygons_[number].sides);
    polygons_[number].any.on |= side;
}

}  // namespace splinecode::slices

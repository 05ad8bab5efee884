#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "simd.hpp"
#include "slices/mesh.hpp"

/// What the bits of a word are decided by: linear functions, a bit each, at every vertex.
namespace splinecode::slices {

/// On which side of their boundaries the functions are at a vertex; on neither: on the boundary.
struct Signs {
    std::uint64_t on = 0;
    std::uint64_t off = 0;

    std::uint64_t zero() const { return ~(on | off); }
};

/// The functions that two places have on strictly opposite sides.
inline std::uint64_t opposite(const Signs& a, const Signs& b) {
    return (a.on & b.off) | (a.off & b.on);
}

/// Functions within `snap` of 0 are taken to be 0, those within `bound` may be.
struct Tolerance {
    std::array<double, 64> snap{};
    std::array<double, 64> bound{};
    bool exact_zeros = false;  // 0 is 0 without doubt
};

/// Vertices to be added to the forms of a word, one after the other.
struct Vertices {
    std::vector<Source> sources;
    std::vector<double> z;  // (vertices, width)
    std::vector<Signs> signs;
    std::vector<std::uint8_t> doubtful;

    std::int64_t size() const { return static_cast<std::int64_t>(sources.size()); }
};

struct Forms {
    std::int64_t width = 0;
    Tolerance tolerance;
    std::vector<double> z;  // (vertices, width)
    std::vector<Signs> signs;

    const double* row(std::int64_t vertex) const { return z.data() + vertex * width; }

    Signs signs_of(const double* values) const {
        Signs found;
        kernels().classify(values, tolerance.snap.data(), at(width), &found.on, &found.off);
        return found;
    }

    /// Whether rounding may have decided the sign of a function that is not one of `known`.
    bool doubtful(const double* values, std::uint64_t known) const {
        if (!kernels().any_within(values, tolerance.bound.data(), at(width))) {
            return false;
        }
        for (std::int64_t j = 0; j < width; ++j) {
            const double bound = tolerance.bound[at(j)];
            const bool exact = tolerance.exact_zeros && values[j] == 0;
            if ((known >> j & 1) == 0 && bound > 0 && std::fabs(values[j]) <= bound && !exact) {
                return true;
            }
        }
        return false;
    }

    /// Adds to `to` the vertex of a source between two vertices, on the boundary of `known`.
    /// Functions of `on` and `off` alone may be on that side.
    void make(const Source& source, const double* a, const double* b, std::uint64_t known,
              const Signs& may_be, Vertices& to) const {
        const std::size_t begin = to.z.size();
        to.z.resize(begin + at(width));
        double* const values = to.z.data() + begin;
        kernels().put_between(a, b, source.t, at(width), values);
        Signs signs_here = signs_of(values);
        signs_here.on &= may_be.on & ~known;
        signs_here.off &= may_be.off & ~known;
        to.sources.push_back(source);
        to.signs.push_back(signs_here);
        to.doubtful.push_back(doubtful(values, known) ? 1 : 0);
    }
};

}  // namespace splinecode::slices

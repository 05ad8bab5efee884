#include "slices/slice.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "codes.hpp"
#include "memory.hpp"
#include "slices/merging.hpp"

namespace splinecode::slices {
namespace {

constexpr std::int64_t rows_a_block = 512;
constexpr double sign_ns = 0.3;
constexpr double gather_ns = 1.0;

std::int64_t words_of(const sweep::Program& program) {
    std::int64_t words = 0;
    for (const sweep::Node& node : program.nodes()) {
        words += node.layer >= 0 ? words_for(node.bits) : 0;
    }
    return words;
}

/// Some units less a number each; unit -1 is the constant 0.
struct Columns {
    std::int64_t width = 0;
    std::array<std::int64_t, 64> unit{};
    std::array<double, 64> less{};
};

/// Columns at all vertices, of the values at those before the layer.
std::vector<double> at_vertices(const Mesh& mesh, const Values& values, const Columns& columns,
                                const Interrupt& interrupt) {
    const std::int64_t width = columns.width;
    const std::int64_t bytes = saturating_product({mesh.vertices(), width, 8});
    need_memory(bytes, "a word of units at the vertices of a slice");
    std::vector<double> out(at(mesh.vertices() * width));
    const std::int64_t blocks = (values.rows + rows_a_block - 1) / rows_a_block;
    const auto gather = [&](std::int64_t block) {
        const std::int64_t end = std::min(values.rows, (block + 1) * rows_a_block);
        for (std::int64_t v = block * rows_a_block; v < end; ++v) {
            const double* const from = values.data + v * values.units;
            double* const to = out.data() + v * width;
            for (std::size_t j = 0; j < at(width); ++j) {
                to[j] = columns.unit[j] < 0 ? 0 : from[columns.unit[j]] - columns.less[j];
            }
        }
    };
    parallel_for(blocks, gather_ns * static_cast<double>(values.rows * width), gather, interrupt);
    interpolate(mesh, values.rows, out.data(), width, {}, interrupt);
    return out;
}

}  // namespace

Slice::Slice(const sweep::Program& program, std::int64_t max_polygons)
    : program_(program),
      mesh_(words_of(program)),
      tolerances_(program),
      max_polygons_(max_polygons) {}

void Slice::take(sweep::Index node, const Values& values, const Interrupt& interrupt) {
    tolerances_.take(node, values.data, values.rows, interrupt);
}

void Slice::take_signs(Forms& forms, const Interrupt& interrupt) {
    const std::int64_t n = mesh_.vertices();
    forms.signs.resize(at(n));
    const std::int64_t blocks = (n + rows_a_block - 1) / rows_a_block;
    const auto scan = [&](std::int64_t block) {
        const std::int64_t end = std::min(n, (block + 1) * rows_a_block);
        for (std::int64_t v = block * rows_a_block; v < end; ++v) {
            forms.signs[at(v)] = forms.signs_of(forms.row(v));
            if (forms.doubtful(forms.row(v), 0)) {
                mesh_.doubtful[at(v)] = 1;
            }
        }
    };
    parallel_for(blocks, sign_ns * static_cast<double>(n * forms.width), scan, interrupt);
}

void Slice::split_word(Forms& forms, const Interrupt& interrupt,
                       std::vector<std::uint64_t>& positive) {
    take_signs(forms, interrupt);
    positive = split(mesh_, forms, max_polygons_, interrupt);
}

void Slice::cut_pieces(sweep::Index layer, const Values& values, const Thresholds& thresholds,
                       const Interrupt& interrupt) {
    before_ = values.rows;
    on_boundary_.clear();
    const std::int64_t k = thresholds.count;
    const std::int64_t bits = k * values.units;
    const sweep::UnitTolerances units = tolerances_.of(program_.node(layer).inputs[0]);
    const bool exact_zeros = tolerances_.exact_zeros(program_.node(layer).inputs[0]);
    std::vector<std::uint64_t> positive;
    double shift = 0;
    for (std::int64_t first = 0; first < bits; first += word_bits, ++word_) {
        Forms forms;
        forms.width = std::min<std::int64_t>(word_bits, bits - first);
        forms.tolerance.exact_zeros = exact_zeros;
        Columns columns;
        columns.width = forms.width;
        for (std::size_t j = 0; j < at(forms.width); ++j) {
            const std::int64_t bit = first + static_cast<std::int64_t>(j);
            const std::int64_t unit = bit / k;
            columns.unit[j] = unit;
            columns.less[j] = thresholds.data[bit % k * values.units + unit];
            forms.tolerance.snap[j] = units.snap[at(unit)];
            forms.tolerance.bound[j] = units.bound[at(unit)];
        }
        forms.z = at_vertices(mesh_, values, columns, interrupt);
        split_word(forms, interrupt, positive);
        for (std::int64_t face = 0; face < mesh_.faces(); ++face) {
            mesh_.code(face)[word_] = positive[at(face)];
        }
        shift = std::max(shift, note_on_boundary(forms, first, thresholds, values.units));
    }
    tolerances_.set_shift(layer, shift);
    std::ranges::sort(on_boundary_, [](const OnBoundary& a, const OnBoundary& b) {
        return a.vertex != b.vertex ? a.vertex < b.vertex : a.unit < b.unit;
    });
}

/// Notes the units that count as on a boundary; returns by how much they were off it at most.
double Slice::note_on_boundary(const Forms& forms, std::int64_t first_bit,
                               const Thresholds& thresholds, std::int64_t units) {
    const std::uint64_t all =
        forms.width == word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << forms.width) - 1;
    double shift = 0;
    for (std::int64_t v = 0; v < mesh_.vertices(); ++v) {
        for (std::uint64_t zero = forms.signs[at(v)].zero() & all; zero != 0; zero &= zero - 1) {
            const int j = std::countr_zero(zero);
            const std::int64_t bit = first_bit + j;
            const std::int64_t unit = bit / thresholds.count;
            const double value = thresholds.data[bit % thresholds.count * units + unit];
            const double off = forms.row(v)[j];
            if (off != 0 || value != 0) {
                on_boundary_.push_back({static_cast<Index>(v), unit, value});
                shift = std::max(shift, std::fabs(off));
            }
        }
    }
    return shift;
}

void Slice::cut_windows(sweep::Index layer, const Values& values, const Windows& windows,
                        const Interrupt& interrupt) {
    before_ = values.rows;
    on_boundary_.clear();
    const sweep::UnitTolerances units = tolerances_.of(program_.node(layer).inputs[0]);
    double shift = 0;
    for (std::int64_t first = 0; first < windows.count; first += word_bits) {
        Tolerance tolerance;
        tolerance.exact_zeros = true;
        const std::int64_t width = std::min<std::int64_t>(word_bits, windows.count - first);
        for (std::int64_t j = 0; j < width; ++j) {
            for (std::int64_t e = 0; e < windows.size; ++e) {
                const std::int64_t unit = windows.index[(first + j) * windows.size + e];
                if (unit >= 0) {
                    double& snap = tolerance.snap[at(j)];
                    double& bound = tolerance.bound[at(j)];
                    snap = std::max(snap, 2 * units.snap[at(unit)]);
                    bound = std::max(bound, 2 * units.bound[at(unit)]);
                }
            }
        }
        cut_window_word(values, windows, first, tolerance, interrupt);
        shift = std::max(shift, *std::ranges::max_element(tolerance.snap));
    }
    tolerances_.set_shift(layer, shift);
    word_ += words_for(windows.count * windows.size);
    merge_equal(mesh_);
}

/// Cuts by up to 64 windows: by each element less the largest of those before it.
void Slice::cut_window_word(const Values& values, const Windows& windows, std::int64_t first,
                            const Tolerance& tolerance, const Interrupt& interrupt) {
    const std::int64_t width = std::min<std::int64_t>(word_bits, windows.count - first);
    const auto unit_of = [&](std::int64_t j, std::int64_t e) {
        return windows.index[(first + j) * windows.size + e];
    };
    const auto element = [&](std::int64_t e) {
        Columns columns;
        columns.width = width;
        for (std::int64_t j = 0; j < width; ++j) {
            columns.unit[at(j)] = unit_of(j, e);
        }
        return at_vertices(mesh_, values, columns, interrupt);
    };
    std::vector<double> largest(at(mesh_.vertices() * width));
    std::vector<std::uint64_t> positive;
    std::uint64_t begun = 0;  // windows that had an element
    for (std::int64_t e = 0; e < windows.size; ++e) {
        const std::int64_t before = mesh_.vertices();
        Forms forms;
        forms.width = width;
        forms.tolerance = tolerance;
        forms.z = element(e);
        for (std::int64_t j = 0; j < width; ++j) {
            const bool compared = unit_of(j, e) >= 0 && (begun >> j & 1) != 0;
            if (!compared) {
                forms.tolerance.snap[at(j)] = forms.tolerance.bound[at(j)] = 0;
            }
            for (std::int64_t v = 0; v < before; ++v) {
                double& z = forms.z[at(v * width + j)];
                z = compared ? z - largest[at(v * width + j)] : (unit_of(j, e) < 0 ? -1 : 1);
            }
        }
        split_word(forms, interrupt, positive);
        for (std::int64_t face = 0; face < mesh_.faces(); ++face) {
            for (std::uint64_t won = positive[at(face)]; won != 0; won &= won - 1) {
                set_winner(face, windows, first + std::countr_zero(won), e);
            }
        }
        largest.resize(at(mesh_.vertices() * width));
        interpolate(mesh_, before, largest.data(), width, {}, interrupt);
        const std::vector<double> mine = element(e);
        for (std::size_t i = 0; i < largest.size(); ++i) {
            const auto j = static_cast<std::int64_t>(i) % width;
            if (unit_of(j, e) >= 0) {
                largest[i] = (begun >> j & 1) != 0 ? std::max(largest[i], mine[i]) : mine[i];
            }
        }
        for (std::int64_t j = 0; j < width; ++j) {
            begun |= static_cast<std::uint64_t>(unit_of(j, e) >= 0) << j;
        }
    }
}

/// Of the bits of a window, leaves that of one element alone.
void Slice::set_winner(std::int64_t face, const Windows& windows, std::int64_t window,
                       std::int64_t element) {
    std::uint64_t* const code = mesh_.code(face) + word_;
    const std::int64_t bit = window * windows.size;
    for (std::int64_t other = 0; other < element; ++other) {
        code[(bit + other) / word_bits] &= ~bit_in_word(bit + other);
    }
    code[(bit + element) / word_bits] |= bit_in_word(bit + element);
}

void Slice::extend(const Values& values, double* to, bool of_layer,
                   const Interrupt& interrupt) const {
    static const std::vector<OnBoundary> nothing;
    std::copy_n(values.data, values.rows * values.units, to);
    interpolate(mesh_, values.rows, to, values.units, of_layer ? on_boundary_ : nothing, interrupt);
}

Partition Slice::partition() const {
    Partition out;
    std::vector<std::int64_t> number(at(mesh_.vertices()), -1);
    for (const Index half : mesh_.sides) {
        number[at(mesh_.origin(half))] = 0;
    }
    for (std::int64_t v = 0; v < mesh_.vertices(); ++v) {
        if (number[at(v)] == 0) {
            number[at(v)] = static_cast<std::int64_t>(out.ids.size());
            out.ids.push_back(v);
        }
    }
    out.offsets = mesh_.offsets;
    out.codes = mesh_.codes;
    for (std::int64_t face = 0; face < mesh_.faces(); ++face) {
        std::uint8_t doubt = 0;
        for (std::int64_t i = mesh_.offsets[at(face)]; i < mesh_.offsets[at(face + 1)]; ++i) {
            const Index vertex = mesh_.origin(mesh_.sides[at(i)]);
            out.polygons.push_back(number[at(vertex)]);
            doubt |= mesh_.doubtful[at(vertex)];
        }
        out.ambiguous.push_back(doubt);
    }
    const std::vector<Index> faces = faces_of_halves(mesh_);
    for (std::size_t e = 0; e < mesh_.edges.size(); ++e) {
        const Index left = faces[2 * e];
        const Index right = faces[2 * e + 1];
        out.edges.insert(out.edges.end(),
                         {number[at(mesh_.edges[e].from)], number[at(mesh_.edges[e].to)]});
        out.beside.insert(out.beside.end(), {left, right});
        std::int64_t place = -1;
        for (std::int64_t w = 0; left >= 0 && right >= 0 && place < 0 && w < mesh_.words; ++w) {
            const std::uint64_t differ = mesh_.code(left)[w] ^ mesh_.code(right)[w];
            place = differ == 0 ? -1 : w * word_bits + std::countr_zero(differ);
        }
        out.places.push_back(place);
    }
    return out;
}

}  // namespace splinecode::slices

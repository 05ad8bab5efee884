#include "slices/tolerances.hpp"

#include <algorithm>
#include <limits>

#include "simd.hpp"
#include "slices/mesh.hpp"
#include "sweep/norm_rules.hpp"
#include "sweep/segment.hpp"

namespace splinecode::slices {
namespace {

/// Partial sums of an output that are not its products: kernels of products add in blocks.
constexpr double other_sums = 64;
/// Corners of the window are rounded once, and are off the plane by as much.
constexpr double corner_rounding = 8 * sweep::unit_roundoff;
constexpr std::int64_t rows_a_block = 256;
constexpr double value_ns = 0.2;

}  // namespace

Tolerances::Tolerances(const sweep::Program& program)
    : program_(program),
      bounds_(program.nodes().size()),
      units_(program.nodes().size()),
      shift_(program.nodes().size(), 0) {}

void Tolerances::set_shift(sweep::Index number, double shift) { shift_[at(number)] = shift; }

sweep::Bounds Tolerances::bounds_of(sweep::Index number) {
    const sweep::Node& node = program_.node(number);
    std::vector<sweep::Bounds> from;
    from.reserve(node.inputs.size());
    for (const sweep::Index input : node.inputs) {
        from.push_back(bounds_[at(input)]);
    }
    const auto of_kink = [&](double steepest) {
        sweep::KinkErrors errors;
        errors.shift = shift_[at(number)] + sweep::interpolation * from[0].sizeinf;
        errors.together = static_cast<double>(program_.node(node.inputs[0]).size());
        return sweep::kink_bounds(from[0], steepest, node.multiplicity, errors);
    };
    switch (node.kind) {
        case sweep::Kind::input: return {};
        case sweep::Kind::view: return sweep::view_bounds(from, node.multiplicity);
        case sweep::Kind::affine:
            return node.sum
                       ? sweep::sum_bounds(from)
                       : sweep::affine_bounds(node.norms, from[0], other_sums, units_[at(number)]);
        case sweep::Kind::pieces: return of_kink(node.steepest);
        case sweep::Kind::max: return of_kink(1);
    }
    return {};
}

void Tolerances::take(sweep::Index number, const double* values, std::int64_t rows,
                      const Interrupt& interrupt) {
    sweep::Bounds& bounds = bounds_[at(number)] = bounds_of(number);
    const std::int64_t width = program_.node(number).size();
    const std::int64_t blocks = (rows + rows_a_block - 1) / rows_a_block;
    std::vector<double> norms(at(blocks));
    std::vector<double> most(at(blocks));
    const auto measure = [&](std::int64_t block) {
        const std::int64_t end = std::min(rows, (block + 1) * rows_a_block);
        for (std::int64_t row = block * rows_a_block; row < end; ++row) {
            double squares = 0;
            double largest = 0;
            kernels().row_size(values + row * width, at(width), &squares, &largest);
            const double norm = sweep::norm_of(squares, largest, width);
            if (!(norm <= std::numeric_limits<double>::max())) {
                throw sweep::Overflow(number);
            }
            norms[at(block)] = std::max(norms[at(block)], norm);
            most[at(block)] = std::max(most[at(block)], largest);
        }
    };
    parallel_for(blocks, value_ns * static_cast<double>(rows * width), measure, interrupt);
    const double norm = *std::ranges::max_element(norms);
    const double largest = *std::ranges::max_element(most);
    bounds.size2 = norm;
    bounds.sizeinf = largest;
    if (program_.node(number).kind == sweep::Kind::input) {
        bounds.einf = bounds.snapinf = corner_rounding * largest;
        bounds.e2 = sweep::slack * corner_rounding * norm;
    }
}

sweep::UnitTolerances Tolerances::of(sweep::Index number) const {
    const sweep::Node& node = program_.node(number);
    const double interpolated = 2 * sweep::interpolation * bounds_[at(number)].sizeinf;
    sweep::UnitTolerances found;
    for (const sweep::Place& place : node.units) {
        double snap = 0;
        double bound = 0;
        if (place.cell >= 0) {
            const sweep::Cell& cell = program_.cell(place.cell);
            const sweep::UnitTolerances& units = units_[at(cell.node)];
            const bool worst = units.bound.empty();
            const auto unit = at(cell.units[at(place.column)]);
            snap = worst ? bounds_[at(cell.node)].snapinf : units.snap[unit];
            bound = worst ? bounds_[at(cell.node)].einf : units.bound[unit];
        }
        found.snap.push_back(place.cell < 0 ? 0 : snap + interpolated);
        found.bound.push_back(place.cell < 0 ? 0 : bound + interpolated);
    }
    return found;
}

bool Tolerances::exact_zeros(sweep::Index number) const {
    return std::ranges::all_of(program_.node(number).units, [&](const sweep::Place& place) {
        return place.cell < 0 || program_.cell(place.cell).exact_zeros;
    });
}

}  // namespace splinecode::slices

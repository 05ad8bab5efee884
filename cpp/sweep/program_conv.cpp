#include <map>
#include <utility>

#include "sweep/building.hpp"
#include "sweep/program.hpp"

namespace splinecode::sweep {
namespace {

std::int64_t product(const std::vector<std::int64_t>& sizes, std::size_t from = 0) {
    std::int64_t total = 1;
    for (std::size_t i = from; i < sizes.size(); ++i) {
        total *= sizes[i];
    }
    return total;
}

/// Calls visit(output position, tap, input position) for all that lie inside the input.
template <class Visit>
void for_each_tap(const ConvShape& shape, const std::vector<std::int64_t>& output,
                  const Visit& visit) {
    const std::size_t axes = shape.kernel.size();
    const std::int64_t positions = product(output);
    const std::int64_t taps = product(shape.kernel);
    std::vector<std::int64_t> out(axes);
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        for (std::size_t axis = axes; axis-- > 0; rest /= output[axis]) {
            out[axis] = rest % output[axis];
        }
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            std::int64_t from = 0;
            bool inside = true;
            std::int64_t stride = 1;
            rest = tap;
            for (std::size_t axis = axes; axis-- > 0; rest /= shape.kernel[axis]) {
                const std::int64_t x = out[axis] * shape.stride[axis] - shape.padding[axis] +
                                       rest % shape.kernel[axis] * shape.dilation[axis];
                const std::int64_t extent = shape.input[axis + 1];
                inside = inside && x >= 0 && x < extent;
                from += x * stride;
                stride *= extent;
            }
            if (inside) {
                visit(p, tap, from);
            }
        }
    }
}

std::vector<std::int64_t> output_extents(const ConvShape& shape) {
    std::vector<std::int64_t> output(shape.kernel.size());
    for (std::size_t axis = 0; axis < output.size(); ++axis) {
        need(shape.kernel[axis] > 0 && shape.stride[axis] > 0 && shape.dilation[axis] > 0 &&
                 shape.padding[axis] >= 0,
             "a convolution wants kernels, strides and dilations of at least 1, padding of 0");
        const std::int64_t reach = shape.dilation[axis] * (shape.kernel[axis] - 1) + 1;
        output[axis] =
            (shape.input[axis + 1] + 2 * shape.padding[axis] - reach) / shape.stride[axis] + 1;
        need(output[axis] > 0, "a convolution has no output");
    }
    return output;
}

}  // namespace

Index Program::add_conv(Index input, const double* weight, const double* bias,
                        const ConvShape& shape, Norms norms) {
    need(input_node(input).size() == product(shape.input), "a convolution takes another input");
    need(
        shape.groups > 0 && shape.input[0] % shape.groups == 0 && shape.outputs % shape.groups == 0,
        "groups do not divide the channels of a convolution");
    Node& node = add_node(Kind::affine, {input});
    const Node& from = nodes_[at(input)];
    const std::int64_t positions = product(output_extents(shape));
    std::vector<std::int64_t> cells(at(shape.outputs * positions));
    for (std::size_t unit = 0; unit < cells.size(); ++unit) {
        cells[unit] = static_cast<std::int64_t>(unit) % positions;
    }
    make_cells(node, cells);
    node.affine.resize(at(positions));
    for (AffineCell& cell : node.affine) {
        cell.bias.assign(bias, bias + shape.outputs);
    }
    const std::int64_t channels = shape.input[0] / shape.groups;
    if (channels == 1 && shape.groups > 1) {
        add_depthwise(node, from, weight, shape);
    } else {
        add_convolution(node, from, weight, shape);
    }
    node.norms = std::move(norms);
    node.row_cost = product_ns * static_cast<double>(positions * shape.outputs * channels *
                                                     product(shape.kernel));
    return static_cast<Index>(nodes_.size() - 1);
}

void Program::add_convolution(Node& node, const Node& from, const double* weight,
                              const ConvShape& shape) {
    const std::int64_t channels = shape.input[0] / shape.groups;
    const std::int64_t outputs = shape.outputs / shape.groups;
    const std::int64_t taps = product(shape.kernel);
    const std::int64_t plane = product(shape.input, 1);
    for (std::int64_t group = 0; group < shape.groups; ++group) {
        const std::int64_t rows = channels * taps;
        const Index matrix = add_matrix(rows, outputs, weight + group * outputs * rows);
        std::vector<std::vector<Place>> places(node.affine.size());
        std::vector<std::vector<Index>> matrix_rows(node.affine.size());
        for_each_tap(shape, output_extents(shape),
                     [&](std::int64_t p, std::int64_t tap, std::int64_t q) {
                         for (std::int64_t c = 0; c < channels; ++c) {
                             const std::int64_t unit = (group * channels + c) * plane + q;
                             places[at(p)].push_back(from.units[at(unit)]);
                             matrix_rows[at(p)].push_back(static_cast<Index>(c * taps + tap));
                         }
                     });
        for (std::size_t p = 0; p < places.size(); ++p) {
            add_products(node.affine[p], matrix, places[p], matrix_rows[p],
                         static_cast<Index>(group * outputs));
        }
    }
}

void Program::add_depthwise(Node& node, const Node& from, const double* weight,
                            const ConvShape& shape) {
    const std::int64_t per_channel = shape.outputs / shape.groups;
    const std::int64_t taps = product(shape.kernel);
    const std::int64_t plane = product(shape.input, 1);
    for_each_tap(shape, output_extents(shape),
                 [&](std::int64_t p, std::int64_t tap, std::int64_t q) {
                     std::map<Index, DiagonalTerm> by_cell;
                     for (std::int64_t out = 0; out < shape.outputs; ++out) {
                         const Place place = from.units[at(out / per_channel * plane + q)];
                         if (place.cell >= 0) {
                             DiagonalTerm& term = by_cell[place.cell];
                             term.from.push_back(place.column);
                             term.to.push_back(static_cast<Index>(out));
                             term.weights.push_back(weight[out * taps + tap]);
                         }
                     }
                     for (auto& [cell, term] : by_cell) {
                         term.cell = cell;
                         node.affine[at(p)].diagonal.push_back(std::move(term));
                     }
                 });
}

}  // namespace splinecode::sweep

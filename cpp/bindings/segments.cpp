#include <pybind11/stl.h>

#include <optional>

#include "array.hpp"
#include "codes.hpp"
#include "memory.hpp"
#include "module.hpp"
#include "sweep/sweep.hpp"
#include "sweep_layout.hpp"

namespace splinecode {
namespace {

using sweep::Index;
using sweep::Norms;
using sweep::Program;

/// Arrays of the caller, alive for one call.
class Borrowed {
public:
    const double* doubles(py::handle object, const char* name,
                          const std::vector<std::int64_t>& shape) {
        return contiguous_data<double>(keep(object, name), ElementType::float64, shape);
    }
    const std::int64_t* integers(py::handle object, const char* name,
                                 const std::vector<std::int64_t>& shape) {
        return contiguous_data<std::int64_t>(keep(object, name), ElementType::int64, shape);
    }
    const Array& keep(py::handle object, const char* name) {
        arrays_.push_back(std::make_unique<Array>(borrow(object, name)));
        return *arrays_.back();
    }

private:
    std::vector<std::unique_ptr<Array>> arrays_;
};

/// (row1, row2, bias, operator2, local2, bias2, terms) of splinecode.segments.norms.
Norms as_norms(const py::tuple& norms, std::int64_t units) {
    Borrowed borrowed;
    Norms out;
    const auto column = [&](std::size_t i, const char* name) {
        const double* data = borrowed.doubles(norms[i], name, {units});
        return std::vector<double>(data, data + units);
    };
    out.row1 = column(0, "row1");
    out.row2 = column(1, "row2");
    out.bias = column(2, "bias");
    out.operator2 = norms[3].cast<double>();
    out.local2 = norms[4].cast<double>();
    out.bias2 = norms[5].cast<double>();
    out.terms = norms[6].cast<double>();
    return out;
}

std::int64_t units_of(const Program& program, Index node) {
    if (node < 0 || static_cast<std::size_t>(node) >= program.nodes().size()) {
        throw py::index_error("node " + std::to_string(node) + " of " +
                              std::to_string(program.nodes().size()));
    }
    return program.node(node).size();
}

Index add_view(Program& program, const std::vector<Index>& inputs, py::handle index) {
    Borrowed borrowed;
    const Array& array = need_ndim(borrowed.keep(index, "index"), 1);
    return program.add_view(inputs,
                            contiguous_data<std::int64_t>(array, ElementType::int64, array.shape),
                            array.shape[0]);
}

Index add_linear(Program& program, Index input, py::handle weight, py::handle bias,
                 const py::tuple& norms) {
    Borrowed borrowed;
    const Array& array = need_ndim(borrowed.keep(weight, "weight"), 2);
    const std::int64_t outputs = array.shape[0];
    const std::int64_t inputs = array.shape[1];
    const auto* data = contiguous_data<double>(array, ElementType::float64, array.shape);
    const double* shift = borrowed.doubles(bias, "bias", {outputs});
    const std::int64_t runs = inputs > 0 ? units_of(program, input) / inputs : 0;
    return program.add_linear(input, data, shift, outputs, inputs, as_norms(norms, runs * outputs));
}

Index add_conv(Program& program, Index input, py::handle weight, py::handle bias,
               const std::vector<std::vector<std::int64_t>>& axes,
               const std::vector<std::int64_t>& input_shape, std::int64_t groups,
               const py::tuple& norms) {
    Borrowed borrowed;
    const Array& array = borrowed.keep(weight, "weight");
    const std::size_t n_axes = input_shape.size() - 1;
    need_ndim(array, n_axes + 2);
    sweep::ConvShape shape;
    shape.input = input_shape;
    shape.kernel = {array.shape.begin() + 2, array.shape.end()};
    if (axes.size() != 3 || axes[0].size() != n_axes || axes[1].size() != n_axes ||
        axes[2].size() != n_axes) {
        throw py::value_error("axes wants stride, padding and dilation of each axis");
    }
    shape.stride = axes[0];
    shape.padding = axes[1];
    shape.dilation = axes[2];
    shape.groups = groups;
    shape.outputs = array.shape[0];
    if (groups < 1 || array.shape[1] * groups != input_shape[0]) {
        throw py::value_error("weight does not fit the channels of the input");
    }
    const auto* data = contiguous_data<double>(array, ElementType::float64, array.shape);
    const double* shift = borrowed.doubles(bias, "bias", {shape.outputs});
    const std::int64_t units = borrowed.keep(norms[0], "row1").shape.at(0);
    return program.add_conv(input, data, shift, shape, as_norms(norms, units));
}

Index add_scale(Program& program, Index input, py::handle scale, py::handle shift,
                const py::tuple& norms) {
    Borrowed borrowed;
    const std::int64_t units = units_of(program, input);
    return program.add_scale(input, borrowed.doubles(scale, "scale", {units}),
                             borrowed.doubles(shift, "shift", {units}), as_norms(norms, units));
}

Index add_sparse(Program& program, Index input, py::handle offsets, py::handle columns,
                 py::handle weights, py::handle bias, py::handle cells, const py::tuple& norms) {
    Borrowed borrowed;
    const Array& shift = need_ndim(borrowed.keep(bias, "bias"), 1);
    sweep::SparseRows rows;
    rows.rows = shift.shape[0];
    rows.bias = contiguous_data<double>(shift, ElementType::float64, {rows.rows});
    rows.offsets = borrowed.integers(offsets, "offsets", {rows.rows + 1});
    rows.cells = borrowed.integers(cells, "cells", {rows.rows});
    const Array& entries = need_ndim(borrowed.keep(columns, "columns"), 1);
    rows.columns = contiguous_data<std::int64_t>(entries, ElementType::int64, entries.shape);
    rows.weights = borrowed.doubles(weights, "weights", entries.shape);
    for (std::int64_t row = 0; row < rows.rows; ++row) {
        if (rows.offsets[0] != 0 || rows.offsets[row + 1] < rows.offsets[row] ||
            rows.offsets[rows.rows] != entries.shape[0]) {
            throw py::value_error("offsets must rise from 0 to the number of entries");
        }
    }
    return program.add_sparse(input, rows, as_norms(norms, rows.rows));
}

Index add_pieces(Program& program, Index input, py::handle thresholds, py::handle slopes,
                 py::handle intercepts) {
    Borrowed borrowed;
    const std::int64_t units = units_of(program, input);
    const std::int64_t n = need_ndim(borrowed.keep(thresholds, "thresholds"), 2).shape[0];
    return program.add_pieces(input, n, borrowed.doubles(thresholds, "thresholds", {n, units}),
                              borrowed.doubles(slopes, "slopes", {n + 1, units}),
                              borrowed.doubles(intercepts, "intercepts", {n + 1, units}));
}

Index add_max(Program& program, Index input, py::handle index) {
    Borrowed borrowed;
    const Array& array = need_ndim(borrowed.keep(index, "index"), 2);
    const auto* data = contiguous_data<std::int64_t>(array, ElementType::int64, array.shape);
    return program.add_max(input, data, array.shape[0], array.shape[1]);
}

/// One entry for each item of all windows, in their order.
template <class T, class List, class Get>
py::array_t<T> column(const std::vector<sweep::Window>& windows, List list, Get get) {
    std::size_t size = 0;
    for (const sweep::Window& window : windows) {
        size += (window.*list).size();
    }
    py::array_t<T> out(static_cast<py::ssize_t>(size));
    T* to = out.mutable_data();
    for (std::size_t s = 0; s < windows.size(); ++s) {
        for (const auto& item : windows[s].*list) {
            *to++ = static_cast<T>(get(item, s));
        }
    }
    return out;
}

/// (segment, low, high)
py::tuple ranges(const std::vector<sweep::Window>& windows,
                 std::vector<sweep::Range> sweep::Window::* list) {
    const auto get = [&]<class T>(auto field) { return column<T>(windows, list, field); };
    return py::make_tuple(
        get.operator()<std::int64_t>([](const sweep::Range&, std::size_t s) { return s; }),
        get.operator()<double>([](const sweep::Range& range, std::size_t) { return range.low; }),
        get.operator()<double>([](const sweep::Range& range, std::size_t) { return range.high; }));
}

py::tuple events(const std::vector<sweep::Window>& windows) {
    const auto get = [&]<class T>(auto field) {
        return column<T>(windows, &sweep::Window::events, field);
    };
    using sweep::Event;
    return py::make_tuple(
        get.operator()<std::int64_t>([](const Event&, std::size_t s) { return s; }),
        get.operator()<double>([](const Event& event, std::size_t) { return event.t; }),
        get.operator()<double>([](const Event& event, std::size_t) { return event.error; }),
        get.operator()<std::int64_t>([](const Event& event, std::size_t) { return event.layer; }),
        get.operator()<std::int64_t>([](const Event& event, std::size_t) { return event.unit; }),
        get.operator()<std::int8_t>(
            [](const Event& event, std::size_t) { return event.direction; }));
}

/// (events, first codes, (offsets, knots, values), ambiguous, assumed)
py::tuple as_tuple(const std::vector<sweep::Window>& windows, const Program& program) {
    const auto n = static_cast<py::ssize_t>(windows.size());
    std::int64_t words = 0;
    for (const sweep::Node& node : program.nodes()) {
        words += node.layer >= 0 ? words_for(node.bits) : 0;
    }
    py::array_t<std::uint64_t> codes({n, static_cast<py::ssize_t>(words)});
    py::array_t<std::int64_t> offsets(n + 1);
    std::uint64_t* code = codes.mutable_data();
    offsets.mutable_data()[0] = 0;
    for (py::ssize_t s = 0; s < n; ++s) {
        const sweep::Window& window = windows[static_cast<std::size_t>(s)];
        code = std::copy(window.first_code.begin(), window.first_code.end(), code);
        offsets.mutable_data()[s + 1] =
            offsets.data()[s] + static_cast<std::int64_t>(window.knots.size());
    }
    const auto same = [](double x, std::size_t) { return x; };
    py::array values = column<double>(windows, &sweep::Window::values, same);
    return py::make_tuple(
        events(windows), codes,
        py::make_tuple(offsets, column<double>(windows, &sweep::Window::knots, same), values),
        ranges(windows, &sweep::Window::ambiguous), ranges(windows, &sweep::Window::assumed));
}

py::tuple sweep_rows(const Program& program, py::handle a_object, py::handle b_object,
                     std::int64_t max_bytes) {
    if (program.nodes().empty()) {
        throw py::value_error("the program is empty");
    }
    Borrowed borrowed;
    const std::int64_t n = need_ndim(borrowed.keep(a_object, "a"), 2).shape[0];
    const std::int64_t width = program.node(0).size();
    const sweep::Segments segments{n, borrowed.doubles(a_object, "a", {n, width}),
                                   borrowed.doubles(b_object, "b", {n, width})};
    const std::vector<sweep::Window> windows = without_gil([&](const Interrupt& interrupt) {
        return sweep::sweep_segments(program, segments, max_bytes, interrupt);
    });
    return as_tuple(windows, program);
}

}  // namespace

void bind_segments(py::module_& module) {
    py::class_<Program>(module, "SweepProgram")
        .def(py::init<>())
        .def("add_input", &Program::add_input, py::arg("units"))
        .def("add_view", &add_view, py::arg("inputs"), py::arg("index"))
        .def("add_linear", &add_linear, py::arg("input"), py::arg("weight"), py::arg("bias"),
             py::arg("norms"))
        .def("add_conv", &add_conv, py::arg("input"), py::arg("weight"), py::arg("bias"),
             py::arg("axes"), py::arg("input_shape"), py::arg("groups"), py::arg("norms"))
        .def("add_scale", &add_scale, py::arg("input"), py::arg("scale"), py::arg("shift"),
             py::arg("norms"))
        .def("add_sparse", &add_sparse, py::arg("input"), py::arg("offsets"), py::arg("columns"),
             py::arg("weights"), py::arg("bias"), py::arg("cells"), py::arg("norms"))
        .def("add_sum", &Program::add_sum, py::arg("inputs"))
        .def("add_pieces", &add_pieces, py::arg("input"), py::arg("thresholds"), py::arg("slopes"),
             py::arg("intercepts"))
        .def("add_max", &add_max, py::arg("input"), py::arg("index"))
        .def("finish", &Program::finish)
        .def("layout", &layout_of)
        .def("sweep", &sweep_rows, py::arg("a"), py::arg("b"), py::arg("max_bytes"));
}

}  // namespace splinecode

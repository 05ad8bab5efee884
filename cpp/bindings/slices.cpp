#include "slices/slice.hpp"

#include "array.hpp"
#include "module.hpp"
#include "slices/pieces.hpp"

namespace splinecode {
namespace {

using slices::Slice;

/// A program and a slice of its network, which reads it.
struct BoundSlice {
    py::object owner;
    Slice slice;
};

/// Values (vertices, units) of a node, alive for one call.
class BorrowedValues {
public:
    BorrowedValues(py::handle object, const char* name) : array_(borrow(object, name)) {
        need_ndim(array_, 2);
        values_.data = contiguous_data<double>(array_, ElementType::float64, array_.shape);
        values_.rows = array_.shape[0];
        values_.units = array_.shape[1];
    }
    const slices::Values& values() const { return values_; }

    const slices::Values& of(const Slice& slice, const sweep::Program& program,
                             sweep::Index node) const {
        if (node < 0 || static_cast<std::size_t>(node) >= program.nodes().size()) {
            throw py::index_error("node " + std::to_string(node) + " of " +
                                  std::to_string(program.nodes().size()));
        }
        need_shape(array_, {slice.vertices(), program.node(node).size()});
        return values_;
    }

private:
    Array array_;
    slices::Values values_{};
};

const sweep::Program& program_of(const BoundSlice& bound) {
    return bound.owner.cast<const sweep::Program&>();
}

/// The node that a layer takes.
sweep::Index input_of(const BoundSlice& bound, sweep::Index layer, sweep::Kind kind) {
    const sweep::Program& program = program_of(bound);
    if (layer < 0 || static_cast<std::size_t>(layer) >= program.nodes().size() ||
        program.node(layer).kind != kind) {
        throw py::value_error("node " + std::to_string(layer) + " is no such layer");
    }
    return program.node(layer).inputs[0];
}

void take(BoundSlice& bound, sweep::Index node, py::handle object) {
    const BorrowedValues values(object, "values");
    const slices::Values& rows = values.of(bound.slice, program_of(bound), node);
    without_gil([&](const Interrupt& interrupt) { bound.slice.take(node, rows, interrupt); });
}

void cut_pieces(BoundSlice& bound, sweep::Index layer, py::handle object, py::handle thresholds) {
    const BorrowedValues values(object, "values");
    const sweep::Index input = input_of(bound, layer, sweep::Kind::pieces);
    const slices::Values& rows = values.of(bound.slice, program_of(bound), input);
    const Array array = borrow(thresholds, "thresholds");
    const std::int64_t k = program_of(bound).node(layer).thresholds;
    const auto* data = contiguous_data<double>(array, ElementType::float64, {k, rows.units});
    without_gil([&](const Interrupt& interrupt) {
        bound.slice.cut_pieces(layer, rows, {data, k}, interrupt);
    });
}

void cut_windows(BoundSlice& bound, sweep::Index layer, py::handle object, py::handle index) {
    const BorrowedValues values(object, "values");
    const sweep::Index input = input_of(bound, layer, sweep::Kind::max);
    const slices::Values& rows = values.of(bound.slice, program_of(bound), input);
    const Array array = borrow(index, "index");
    const sweep::Node& node = program_of(bound).node(layer);
    const slices::Windows windows{
        contiguous_data<std::int64_t>(array, ElementType::int64, {node.size(), node.window}),
        node.size(), node.window};
    for (std::int64_t i = 0; i < array.size(); ++i) {
        if (windows.index[i] < -1 || windows.index[i] >= rows.units) {
            throw py::index_error("index holds a unit that the layer does not take");
        }
    }
    without_gil([&](const Interrupt& interrupt) {
        bound.slice.cut_windows(layer, rows, windows, interrupt);
    });
}

void extend(const BoundSlice& bound, py::handle object, py::handle out, bool of_layer) {
    const BorrowedValues values(object, "values");
    const slices::Values& rows = values.values();
    const Array to = need_writable(borrow(out, "out"));
    auto* const data =
        contiguous_data<double>(to, ElementType::float64, {bound.slice.vertices(), rows.units});
    if (rows.rows != bound.slice.vertices_before()) {
        throw py::value_error("values are not those before the last layer");
    }
    without_gil(
        [&](const Interrupt& interrupt) { bound.slice.extend(rows, data, of_layer, interrupt); });
}

void apply_pieces(py::handle object, py::handle thresholds, py::handle slopes,
                  py::handle intercepts, py::handle out) {
    const BorrowedValues values(object, "values");
    const slices::Values& rows = values.values();
    const Array theta = need_ndim(borrow(thresholds, "thresholds"), 2);
    const Array slope = borrow(slopes, "slopes");
    const Array intercept = borrow(intercepts, "intercepts");
    const Array to = need_writable(borrow(out, "out"));
    const std::int64_t k = theta.shape[0];
    const slices::PieceRows pieces{
        contiguous_data<double>(theta, ElementType::float64, {k, rows.units}),
        contiguous_data<double>(slope, ElementType::float64, {k + 1, rows.units}),
        contiguous_data<double>(intercept, ElementType::float64, {k + 1, rows.units}), k};
    auto* const data = contiguous_data<double>(to, ElementType::float64, {rows.rows, rows.units});
    without_gil([&](const Interrupt& interrupt) {
        slices::apply_pieces(rows.data, rows.rows, rows.units, pieces, data, interrupt);
    });
}

/// (ids, offsets, polygons, edges, beside, places, ambiguous, codes)
py::tuple partition(const BoundSlice& bound) {
    slices::Partition found = bound.slice.partition();
    const auto pairs = static_cast<py::ssize_t>(found.places.size());
    const auto faces = static_cast<py::ssize_t>(found.ambiguous.size());
    const py::ssize_t words = faces > 0 ? static_cast<py::ssize_t>(found.codes.size()) / faces : 0;
    return py::make_tuple(
        to_numpy(std::move(found.ids)), to_numpy(std::move(found.offsets)),
        to_numpy(std::move(found.polygons)), to_numpy(std::move(found.edges), {pairs, 2}),
        to_numpy(std::move(found.beside), {pairs, 2}), to_numpy(std::move(found.places)),
        to_numpy(std::move(found.ambiguous)), to_numpy(std::move(found.codes), {faces, words}));
}

}  // namespace

void bind_slices(py::module_& module) {
    py::class_<BoundSlice>(module, "Slice")
        .def(py::init([](py::object program, std::int64_t max_polygons) {
                 const auto& read = program.cast<const sweep::Program&>();
                 return BoundSlice{program, Slice(read, max_polygons)};
             }),
             py::arg("program"), py::arg("max_polygons"))
        .def_property_readonly("vertices", [](const BoundSlice& b) { return b.slice.vertices(); })
        .def("take", &take, py::arg("node"), py::arg("values"))
        .def("cut_pieces", &cut_pieces, py::arg("layer"), py::arg("values"), py::arg("thresholds"))
        .def("cut_windows", &cut_windows, py::arg("layer"), py::arg("values"), py::arg("index"))
        .def("extend", &extend, py::arg("values"), py::arg("out"), py::arg("of_layer"))
        .def("partition", &partition);
    module.def("apply_pieces", &apply_pieces, py::arg("values"), py::arg("thresholds"),
               py::arg("slopes"), py::arg("intercepts"), py::arg("out"));
}

}  // namespace splinecode

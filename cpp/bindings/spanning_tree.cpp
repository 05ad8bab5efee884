#include "spanning_tree.hpp"

#include "array.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// Lists as `top_k` makes them: other rows, at distances that rise. Anything else would be read
/// out of bounds, or give a tree that is not minimal.
void need_nearest(const NearestLists& lists, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t at = i * lists.k; at < (i + 1) * lists.k; ++at) {
            const std::int64_t other = lists.indices[at];
            if (other < 0 || other >= rows || other == i) {
                throw py::value_error("indices[" + std::to_string(i) + "] holds " +
                                      std::to_string(other) + "; wanted rows of the " +
                                      std::to_string(rows) + " codes other than this one");
            }
            const std::int32_t before = at > i * lists.k ? lists.distances[at - 1] : 0;
            if (lists.distances[at] < before) {
                throw py::value_error("distances[" + std::to_string(i) +
                                      "] does not rise from 0 or more");
            }
        }
    }
}

void need_core(const std::int32_t* core, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) {
        if (core[i] < 0) {
            throw py::value_error("core[" + std::to_string(i) + "] is " + std::to_string(core[i]) +
                                  "; wanted at least 0");
        }
    }
}

/// Returns (ends (n - 1, 2), weights, distances) of the edges, in their order.
py::tuple tree_of(py::handle codes_object, py::handle core_object, py::handle distances_object,
                  py::handle indices_object) {
    const Array codes = borrow(codes_object, "codes");
    const CodeRows rows = as_code_rows(codes);
    const Array core_array = borrow(core_object, "core");
    const auto* core = contiguous_data<std::int32_t>(core_array, ElementType::int32, {rows.rows});
    const Array distances = borrow(distances_object, "distances");
    NearestLists lists;
    lists.k = need_ndim(distances, 2).shape[1];
    lists.distances =
        contiguous_data<std::int32_t>(distances, ElementType::int32, {rows.rows, lists.k});
    const Array indices = borrow(indices_object, "indices");
    lists.indices =
        contiguous_data<std::int64_t>(indices, ElementType::int64, {rows.rows, lists.k});
    need_core(core, rows.rows);
    need_nearest(lists, rows.rows);
    const std::vector<Edge> edges = without_gil(
        [&](const Interrupt& interrupt) { return spanning_tree(rows, core, lists, interrupt); });
    std::vector<std::int64_t> ends;
    std::vector<std::int32_t> weights;
    std::vector<std::int32_t> lengths;
    for (const Edge& edge : edges) {
        ends.insert(ends.end(), {edge.low, edge.high});
        weights.push_back(edge.weight);
        lengths.push_back(edge.distance);
    }
    const auto count = static_cast<py::ssize_t>(edges.size());
    return py::make_tuple(to_numpy(std::move(ends), {count, 2}), to_numpy(std::move(weights)),
                          to_numpy(std::move(lengths)));
}

}  // namespace

void bind_spanning_tree(py::module_& module) {
    module.def("spanning_tree", &tree_of, py::arg("codes"), py::arg("core"), py::arg("distances"),
               py::arg("indices"));
}

}  // namespace splinecode

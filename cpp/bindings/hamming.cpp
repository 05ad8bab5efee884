#include "hamming.hpp"

#include <pybind11/stl.h>

#include "array.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Two arrays of codes of one width that fits an int32 distance.
void need_same_width(const Array& a, const Array& b) {
    need_ndim(b, 2);
    need_ndim(a, 2);
    if (a.shape[1] != b.shape[1]) {
        throw py::value_error(a.name + " is a " + a.described() + " and " + b.name + " a " +
                              b.described() + "; wanted as many words in both");
    }
    if (a.shape[1] > std::int64_t{1} << 24) {
        throw py::value_error(a.name + " is a " + a.described() +
                              "; wanted at most 2^24 words, so that a distance fits an int32");
    }
}

void need_neighbors(const Array& database, std::int64_t rows, std::int64_t k, bool exclude_self) {
    if (k < 0 || k > rows - (exclude_self ? 1 : 0)) {
        throw py::value_error("k is " + std::to_string(k) + " but " + database.name + " is a " +
                              database.described() + (exclude_self ? ", self excluded" : ""));
    }
}

void paired(py::handle a_object, py::handle b_object, const Ranges& ranges, py::handle out_object) {
    const Array a = borrow(a_object, "a");
    const Array b = borrow(b_object, "b");
    need_same_width(a, b);
    const CodeRows a_rows = as_code_rows(a);
    const CodeRows b_rows = as_code_rows(need_shape(b, a.shape));
    std::vector<WordRange> layers;
    for (const auto& [begin, end] : ranges) {
        if (begin < 0 || end < begin || end > a_rows.words) {
            throw py::value_error("a layer's words lie outside the code");
        }
        layers.push_back({begin, end});
    }
    const Array out = borrow(out_object, "out");
    auto* distances =
        contiguous_data<std::int32_t>(need_writable(out), ElementType::int32,
                                      {a_rows.rows, static_cast<std::int64_t>(layers.size())});
    without_gil([&](const Interrupt& interrupt) {
        hamming_paired(a_rows, b_rows, layers, distances, interrupt);
        return 0;
    });
}

void matrix(py::handle x_object, py::handle y_object, py::handle out_object) {
    const Array x = borrow(x_object, "x");
    const Array y = borrow(y_object, "y");
    need_same_width(x, y);
    const CodeRows x_rows = as_code_rows(x);
    const CodeRows y_rows = as_code_rows(y);
    const Array out = borrow(out_object, "out");
    auto* distances = contiguous_data<std::int32_t>(need_writable(out), ElementType::int32,
                                                    {x_rows.rows, y_rows.rows});
    without_gil([&](const Interrupt& interrupt) {
        hamming_matrix(x_rows, y_rows, distances, interrupt);
        return 0;
    });
}

void nearest(py::handle queries_object, py::handle database_object, bool exclude_self,
             py::handle distances_object, py::handle indices_object) {
    const Array queries = borrow(queries_object, "queries");
    const Array database = borrow(database_object, "database");
    need_same_width(queries, database);
    const CodeRows query_rows = as_code_rows(queries);
    const CodeRows database_rows = as_code_rows(database);
    const Array out = borrow(distances_object, "distances");
    const std::int64_t k = need_ndim(out, 2).shape[1];
    need_neighbors(database, database_rows.rows, k, exclude_self);
    auto* distances =
        contiguous_data<std::int32_t>(need_writable(out), ElementType::int32, {query_rows.rows, k});
    const Array index_out = borrow(indices_object, "indices");
    auto* indices = contiguous_data<std::int64_t>(need_writable(index_out), ElementType::int64,
                                                  {query_rows.rows, k});
    without_gil([&](const Interrupt& interrupt) {
        top_k(query_rows, database_rows, k, exclude_self, distances, indices, interrupt);
        return 0;
    });
}

py::tuple radius_lists(py::handle queries_object, py::handle database_object, std::int32_t radius,
                       bool exclude_self) {
    const Array queries = borrow(queries_object, "queries");
    const Array database = borrow(database_object, "database");
    need_same_width(queries, database);
    const CodeRows query_rows = as_code_rows(queries);
    const CodeRows database_rows = as_code_rows(database);
    NeighborLists lists = without_gil([&](const Interrupt& interrupt) {
        return within_radius(query_rows, database_rows, radius, exclude_self, interrupt);
    });
    return py::make_tuple(to_numpy(std::move(lists.offsets)), to_numpy(std::move(lists.indices)),
                          to_numpy(std::move(lists.distances)));
}

}  // namespace

void bind_hamming(py::module_& module) {
    module.def("hamming_paired", &paired, py::arg("a"), py::arg("b"), py::arg("layers"),
               py::arg("out"));
    module.def("hamming_matrix", &matrix, py::arg("x"), py::arg("y"), py::arg("out"));
    module.def("top_k", &nearest, py::arg("queries"), py::arg("database"), py::arg("exclude_self"),
               py::arg("distances"), py::arg("indices"));
    module.def("within_radius", &radius_lists, py::arg("queries"), py::arg("database"),
               py::arg("radius"), py::arg("exclude_self"));
}

}  // namespace splinecode

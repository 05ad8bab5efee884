#include "hamming.hpp"

#include "array.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

using Shape = std::vector<std::int64_t>;

void need_neighbors(const Array& database, std::int64_t rows, std::int64_t k, bool exclude_self) {
    if (k < 0 || k > rows - (exclude_self ? 1 : 0)) {
        throw py::value_error("k is " + std::to_string(k) + " but " + database.name + " is a " +
                              database.described() + (exclude_self ? ", self excluded" : ""));
    }
}

/// A host array of distances to write: int32, or uint16 where every distance fits.
const Array& need_distances(const Array& out, std::int64_t words, const Shape& shape) {
    if (out.type == ElementType::uint16 && 64 * words > 65'535) {
        throw py::value_error(out.name + " is uint16 but codes of " + std::to_string(words) +
                              " words may differ in more than 65,535 units; wanted int32");
    }
    if (out.type != ElementType::uint16) {
        need_type(out, ElementType::int32);
    }
    return need_host(need_contiguous(need_shape(need_writable(out), shape)));
}

/// Calls write(T*) with the type of the distances, without the GIL.
template <class Write>
void with_distances(const Array& out, const Write& write) {
    without_gil([&](const Interrupt& interrupt) {
        if (out.type == ElementType::uint16) {
            write(static_cast<std::uint16_t*>(out.data), interrupt);
        } else {
            write(static_cast<std::int32_t*>(out.data), interrupt);
        }
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
    with_distances(need_distances(out, x_rows.words, {x_rows.rows, y_rows.rows}),
                   [&](auto* to, const Interrupt& interrupt) {
                       hamming_matrix(x_rows, y_rows, to, interrupt);
                   });
}

void matrix_symmetric(py::handle x_object, py::handle out_object) {
    const Array x = borrow(x_object, "x");
    need_same_width(x, x);
    const CodeRows rows = as_code_rows(x);
    const Array out = borrow(out_object, "out");
    with_distances(need_distances(out, rows.words, {rows.rows, rows.rows}),
                   [&](auto* to, const Interrupt& interrupt) {
                       hamming_matrix_symmetric(rows, to, interrupt);
                   });
}

void condensed(py::handle x_object, py::handle out_object) {
    const Array x = borrow(x_object, "x");
    need_same_width(x, x);
    const CodeRows rows = as_code_rows(x);
    const Array out = borrow(out_object, "out");
    with_distances(
        need_distances(out, rows.words, {rows.rows * std::max<std::int64_t>(0, rows.rows - 1) / 2}),
        [&](auto* to, const Interrupt& interrupt) { hamming_condensed(rows, to, interrupt); });
}

void radius_counts(py::handle queries_object, py::handle database_object, std::int32_t radius,
                   bool exclude_self, py::handle counts_object) {
    const Array queries = borrow(queries_object, "queries");
    const Array database = borrow(database_object, "database");
    need_same_width(queries, database);
    const CodeRows query_rows = as_code_rows(queries);
    const CodeRows database_rows = as_code_rows(database);
    const Array out = borrow(counts_object, "counts");
    auto* counts =
        contiguous_data<std::int64_t>(need_writable(out), ElementType::int64, {query_rows.rows});
    without_gil([&](const Interrupt& interrupt) {
        count_within(query_rows, database_rows, radius, exclude_self, counts, interrupt);
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
    module.def("hamming_matrix", &matrix, py::arg("x"), py::arg("y"), py::arg("out"));
    module.def("hamming_matrix_symmetric", &matrix_symmetric, py::arg("x"), py::arg("out"));
    module.def("hamming_condensed", &condensed, py::arg("x"), py::arg("out"));
    module.def("count_within", &radius_counts, py::arg("queries"), py::arg("database"),
               py::arg("radius"), py::arg("exclude_self"), py::arg("counts"));
    module.def("top_k", &nearest, py::arg("queries"), py::arg("database"), py::arg("exclude_self"),
               py::arg("distances"), py::arg("indices"));
    module.def("within_radius", &radius_lists, py::arg("queries"), py::arg("database"),
               py::arg("radius"), py::arg("exclude_self"));
}

}  // namespace splinecode

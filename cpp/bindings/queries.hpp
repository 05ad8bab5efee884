#pragma once

#include <string>

#include "array.hpp"
#include "pruned_index.hpp"

namespace splinecode {

/// Queries for an index of codes, or none: then its own codes are asked about.
struct Queries {
    Queries(py::handle object, std::int64_t index_rows, std::int64_t index_words)
        : rows_asked(index_rows) {
        if (object.is_none()) {
            return;
        }
        array = borrow(object, "queries");
        rows = as_code_rows(array);
        if (rows.words != index_words) {
            throw py::value_error("queries is a " + array.described() + "; wanted " +
                                  std::to_string(index_words) + " words a code");
        }
        given = &rows;
        rows_asked = rows.rows;
    }
    // `given` points into the object itself.
    Queries(const Queries&) = delete;
    Queries& operator=(const Queries&) = delete;

    Array array;
    CodeRows rows;
    const CodeRows* given = nullptr;
    std::int64_t rows_asked;
};

inline py::dict described(const SearchStats& stats) {
    py::dict out;
    out["pairs"] = stats.pairs;
    out["pairs_ruled_out"] = stats.bounded_pairs;
    out["distances_computed"] = stats.distances;
    out["words_read"] = stats.words;
    out["bits_dropped"] = stats.constant_bits;
    return out;
}

/// index.count_within and index.within_radius of either index, to bind as methods.
template <class Index>
py::dict counts_within(const Index& index, py::handle queries_object, std::int32_t radius,
                       bool exclude_self, py::handle counts_object) {
    const Queries queries(queries_object, index.rows(), index.words());
    const Array out = borrow(counts_object, "counts");
    auto* to =
        contiguous_data<std::int64_t>(need_writable(out), ElementType::int64, {queries.rows_asked});
    return described(without_gil([&](const Interrupt& interrupt) {
        return index.count_within(queries.given, radius, exclude_self, to, interrupt);
    }));
}

template <class Index>
py::tuple lists_within(const Index& index, py::handle queries_object, std::int32_t radius,
                       bool exclude_self) {
    const Queries queries(queries_object, index.rows(), index.words());
    NeighborLists found;
    const SearchStats stats = without_gil([&](const Interrupt& interrupt) {
        return index.within_radius(queries.given, radius, exclude_self, found, interrupt);
    });
    return py::make_tuple(to_numpy(std::move(found.offsets)), to_numpy(std::move(found.indices)),
                          to_numpy(std::move(found.distances)), described(stats));
}

}  // namespace splinecode

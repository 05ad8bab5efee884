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

}  // namespace splinecode

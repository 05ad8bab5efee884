#pragma once

#include <pybind11/stl.h>

#include <tuple>

#include "cuda_arrays.hpp"
#include "sweep_lists.hpp"

/// The tables of a sweep (cuda/sweep_lists.hpp) as tuples of arrays.
namespace splinecode {

/// (t_address, values_address, count, width): int64 (cells * tracks) three times, int32 (cells).
/// The addresses are the caller's word.
using TableArrays = std::tuple<py::object, py::object, py::object, py::object>;

/// (begin, row_list, value_begin, column_begin): int64 (lists + 1), int32 (rows), int64 (lists),
/// int64 (cells + 1).
using RowsArrays = std::tuple<py::object, py::object, py::object, py::object>;

/// Lists a cell, at least 1. Throws ValueError where cells do not have equally many.
inline std::int64_t tracks_of(const char* name, std::int64_t lists, std::int64_t cells) {
    const std::int64_t tracks = cells > 0 ? lists / cells : 0;
    if (tracks * cells != lists) {
        throw py::value_error(std::string(name) + " has " + std::to_string(lists) +
                              " lists; wanted as many for each of the " + std::to_string(cells) +
                              " cells");
    }
    return tracks > 0 ? tracks : 1;
}

/// A table, and how many lists it has.
struct BorrowedTable {
    cuda::ListTable table;
    std::int64_t lists;
};

inline BorrowedTable table_of(DeviceArrays& arrays, const TableArrays& given) {
    const auto& [t_address, values_address, count, width] = given;
    BorrowedTable found{};
    cuda::ListTable& table = found.table;
    std::int64_t cells = 0;
    table.t_address = arrays.list<std::int64_t>(t_address, "t_address", found.lists);
    table.values_address = arrays.in<std::int64_t>(values_address, "values_address", {found.lists});
    table.count = arrays.in<std::int64_t>(count, "count", {found.lists});
    table.width = arrays.list<std::int32_t>(width, "width", cells);
    table.tracks = tracks_of("t_address", found.lists, cells);
    return found;
}

/// The rows, and how many lists and cells they have.
struct BorrowedRows {
    cuda::NodeRows rows;
    std::int64_t lists;
    std::int64_t cells;
};

inline BorrowedRows rows_of(DeviceArrays& arrays, const RowsArrays& given) {
    const auto& [begin, row_list, value_begin, column_begin] = given;
    BorrowedRows found{};
    cuda::NodeRows& rows = found.rows;
    rows.begin = arrays.offsets(begin, "begin", found.lists);
    rows.row_list = arrays.list<std::int32_t>(row_list, "row_list", rows.rows);
    rows.value_begin = arrays.in<std::int64_t>(value_begin, "value_begin", {found.lists});
    rows.column_begin = arrays.offsets(column_begin, "column_begin", found.cells);
    rows.tracks = tracks_of("begin", found.lists, found.cells);
    return found;
}

}  // namespace splinecode

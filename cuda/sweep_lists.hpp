#pragma once

#include <cstdint>

#include "strided.hpp"

/// Where the values of a sweep lie in device memory.
///
/// A sweep carries many *tracks* at once: a track is one window of t of one segment. A *list* is
/// the rows of one cell on one track, list = cell * tracks + track: strictly rising knots (float64)
/// with the cell's values at each, float or double.
namespace splinecode::cuda {

/// The lists of all cells of a program. Only those of cells that are live may be read.
struct ListTable {
    const std::int64_t* t_address;       // (lists): of the list's first knot
    const std::int64_t* values_address;  // (lists): of its first value; rows follow each other
    const std::int64_t* count;           // (lists): rows
    const std::int32_t* width;           // (cells): values of a row
    std::int64_t tracks;

    SPLINECODE_HOST_DEVICE const double* knots(std::int64_t list) const {
        return reinterpret_cast<const double*>(t_address[list]);
    }
    template <class T>
    SPLINECODE_HOST_DEVICE const T* row(std::int64_t list, std::int64_t i) const {
        return reinterpret_cast<const T*>(values_address[list]) + i * width[list / tracks];
    }
};

/// The rows of one node's lists, one list after the other; its cells are numbered from 0. Values
/// lie in a flat buffer, which is not part of this.
struct NodeRows {
    const std::int64_t* begin;         // (lists + 1): the first row of each list
    const std::int32_t* row_list;      // (rows): the list of each row
    const std::int64_t* value_begin;   // (lists): the first value of each in the flat buffer
    const std::int64_t* column_begin;  // (cells + 1): sums of the widths of the cells before
    std::int64_t rows;
    std::int64_t tracks;

    SPLINECODE_HOST_DEVICE std::int64_t cell(std::int64_t list) const { return list / tracks; }
    SPLINECODE_HOST_DEVICE std::int64_t track(std::int64_t list) const { return list % tracks; }
    SPLINECODE_HOST_DEVICE std::int64_t width(std::int64_t list) const {
        return column_begin[cell(list) + 1] - column_begin[cell(list)];
    }
    /// Where the values of a row of `list` begin in the flat buffer.
    SPLINECODE_HOST_DEVICE std::int64_t values(std::int64_t list, std::int64_t row) const {
        return value_begin[list] + (row - begin[list]) * width(list);
    }
};

}  // namespace splinecode::cuda

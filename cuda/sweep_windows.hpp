#pragma once

#include <cstdint>

#include "cuda.hpp"
#include "knot_table.hpp"
#include "sweep/envelope.hpp"
#include "sweep_findings.hpp"
#include "sweep_lists.hpp"

/// Maxima over windows in a sweep on a GPU, as sweep_rows.hpp has it: T is float or double.
namespace splinecode::cuda {

/// The windows of a layer, those of cell c at [begin[c], begin[c + 1]): each has `size` entries of
/// `index`, columns of its cell's elements or -1, of which one is a column at least.
struct Windows {
    const std::int64_t* begin;  // (cells + 1)
    const std::int32_t* index;  // (windows, size)
    std::int64_t size;

    SPLINECODE_HOST_DEVICE std::int64_t count(std::int64_t cell) const {
        return begin[cell + 1] - begin[cell];
    }
    SPLINECODE_HOST_DEVICE const std::int32_t* window(std::int64_t cell, std::int64_t w) const {
        return index + (begin[cell] + w) * size;
    }
};

/// The elements of all windows, brought to the knots t of the layer's lists.
template <class T>
struct WindowScan {
    Windows windows;
    NodeRows rows;  // of elements
    const double* t;
    const T* elements;
    const std::uint8_t* exact;  // (columns of elements): see sweep::Cell::exact_zeros
    const double* snap;         // (tracks): see sweep::WindowTolerance
    const double* bound;        // (tracks)
};

/// Counts (4, rows): changes of a maximum between each row's knot and the next, flips at the knot,
/// ambiguous and assumed ranges.
template <class T>
void count_windows(const WindowScan<T>& scan, std::int64_t* counts, Stream stream);

/// What the scan's finds become, those of a row from starts (4, rows) on: sums of the counts before
/// it. Roots of a row are in order of window; their column is the window within its cell.
struct WindowFindings {
    const std::int64_t* bits;  // (windows): the first bit of each
    KnotTable knots;
    const std::int64_t* starts;
    RootArrays roots;
    EventArrays events;
    RangeArrays ambiguous;
    RangeArrays assumed;
    FirstCodes first;  // bits are added to it
};
template <class T>
void emit_windows(const WindowScan<T>& scan, const WindowFindings& findings, Stream stream);

/// Where new rows come from: (1 - weight) * row + weight * the row after it.
struct Interpolated {
    const std::int64_t* row;
    const double* weight;
};

/// Writes the maxima at new rows: of the elements at source.row of `elements`, or between it and
/// the next.
template <class T>
void fill_windows(const Windows& windows, const NodeRows& elements, const T* element_values,
                  const Interpolated& source, const NodeRows& rows, T* values, Stream stream);

}  // namespace splinecode::cuda

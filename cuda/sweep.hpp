#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda.hpp"
#include "knot_table.hpp"
#include "sweep/leader_tree.hpp"
#include "sweep_findings.hpp"
#include "sweep_lists.hpp"

/// Piecewise-linear units of a sweep on a GPU: where they pass their thresholds, which of these
/// roots are one knot, and their values at the knots. Values are float or double, T; all else is
/// float64. As in cuda.hpp, everything is queued on the stream, nothing is allocated, and the
/// caller vouches for what arrays in device memory hold. No result depends on the order in which
/// threads run.
namespace splinecode::cuda {

/// The units of a layer, by cell: columns [column_begin[c], column_begin[c + 1]).
struct PiecesUnits {
    const std::int32_t* cell;           // (cells): of the program, which they take
    const std::int32_t* source_column;  // (columns): the unit's column there
    const std::int64_t* column_begin;   // (cells + 1)
    std::int64_t columns;
    std::int64_t thresholds;  // of a unit

    SPLINECODE_HOST_DEVICE std::int64_t width(std::int64_t c) const {
        return column_begin[c + 1] - column_begin[c];
    }
};

/// The rows that a layer takes: those of its cells' sources, one list (cell of the layer * tracks +
/// track) after the other.
struct SourceRows {
    const std::int64_t* begin;     // (lists + 1)
    const std::int32_t* row_list;  // (rows)
    std::int64_t rows;
};

/// What is known of the units' pre-activations (sweep/tolerance.hpp). Each cell has a slot, which
/// has the numbers of sweep::AffineStep for each track; a negative gamma says that the snap of all
/// units is e2, and their bound einf.
struct PiecesTolerances {
    static constexpr std::int64_t slot_fields = 7;

    const double* norms;       // (3, columns): row1, row2, bias
    const std::int32_t* slot;  // (cells)
    const double* slots;       // (slots, 7, tracks)
};

template <class T>
struct PiecesScan {
    ListTable table;
    PiecesUnits units;
    /// Threshold k of column j of cell c is at thresholds * column_begin[c] + k * width + j. Null
    /// if all are 0.
    const double* thresholds;
    PiecesTolerances tolerances;
    const std::uint8_t* exact_zeros;  // (cells): see sweep::Cell
    SourceRows rows;
};

/// Counts (3, rows): roots between each row's knot and the next, flips at the knot, ambiguous
/// ranges there.
template <class T>
void count_pieces(const PiecesScan<T>& scan, std::int64_t* counts, Stream stream);

/// What the scan's finds become, those of a row from starts (3, rows) on: sums of the counts before
/// it. Roots of a row are in order of threshold and column.
struct PiecesFindings {
    const std::int64_t* unit;  // (columns): the layer's unit; bit = unit * thresholds + k
    KnotTable knots;
    const std::int64_t* starts;
    RootArrays roots;
    EventArrays events;
    RangeArrays ranges;
    FirstCodes first;       // bits are added to it
    std::int64_t* shift;    // (tracks): raised to the bits of the largest value taken to be 0
    std::int32_t* snapped;  // (lists): raised to how many units have one at one knot
};
template <class T>
void emit_pieces(const PiecesScan<T>& scan, const PiecesFindings& findings, Stream stream);

/// Bytes of device workspace that `running_max` needs.
std::size_t running_max_workspace_bytes(std::int64_t n);

/// largest[i] = the largest of values[j], j <= i, of those whose keys are keys[i]: equal keys lie
/// side by side.
void running_max(const std::int64_t* keys, const double* values, std::int64_t n, double* largest,
                 void* workspace, std::size_t workspace_bytes, Stream stream);

/// Groups of roots to be settled (sweep/settling.hpp), one after the other: roots whose ranges t +-
/// snap form one, by (snap, t, number).
struct RootGroups {
    const std::int64_t* by_snap;      // (roots): numbers
    const std::uint8_t* starts;       // (roots): whether by_snap[i] is a group's first
    const std::int64_t* track;        // (roots): of each root, by its number
    sweep::FollowedLeader* followed;  // (roots): room
};

/// What settling decides besides the roots' t and error, by the roots' numbers.
struct SettledRoots {
    std::uint8_t* fresh;  // (roots): the root is a new knot
    double* joined;       // (2, roots): ambiguous range of a group, at its first by snap; else kept
    std::int64_t* shift;  // (tracks): raised to the bits of GroupSettled::shift
    std::int32_t* together;  // (tracks): raised to GroupSettled::together
};
void settle_roots(const KnotTable& knots, const RootGroups& groups, const RootArrays& roots,
                  const SettledRoots& settled, Stream stream);

/// The functions of the units, laid out as the thresholds of PiecesScan: pieces have one more row a
/// cell. For a relu they are z where z > 0, else slope * z, and the arrays are not read.
struct PieceFunctions {
    bool relu;
    double slope;
    const double* thresholds;
    const double* slopes;
    const double* intercepts;
};

/// Where new rows come from: (1 - weight) * source_row + weight * the row after it.
struct RowSources {
    const std::int64_t* begin;        // (lists + 1): of the source rows
    const std::int64_t* source_row;   // (new rows)
    const double* weight;             // (new rows)
    const std::int64_t* root_begin;   // (new rows + 1): its roots in `sorted`
    const std::int64_t* sorted;       // numbers of roots
    const std::int64_t* root_places;  // RootArrays::places
    std::int64_t roots;
};

/// Writes the layer's values at its new rows; units are on their boundary at their own roots.
template <class T>
void fill_pieces(const ListTable& table, const PiecesUnits& units, const PieceFunctions& functions,
                 const RowSources& sources, const NodeRows& rows, T* values, Stream stream);

}  // namespace splinecode::cuda

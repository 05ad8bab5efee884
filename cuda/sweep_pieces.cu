#include <cstdint>

#include "geometry.hpp"
#include "ordered_bits.hpp"
#include "runtime.hpp"
#include "sweep.hpp"
#include "sweep/sign_rules.hpp"
#include "sweep_warp.hpp"
#include "warp.hpp"

/// Signs of every unit at every knot: where they differ, a unit passes a threshold.
namespace splinecode::cuda {
namespace {

/// A row of a cell's pre-activations: its knot and its values, between those of its neighbours.
template <class T>
struct ScannedRow {
    std::int64_t row;
    std::int32_t left;  // rows of the list, from this one on
    std::int32_t list;
    std::int32_t cell;
    std::int32_t track;
    std::int32_t width;
    bool first;
    const double* t;
    const T* values;  // of the cell's source
    std::int64_t values_step;

    __device__ bool last() const { return left == 1; }
    __device__ double gap_before() const { return first ? 0 : t[0] - t[-1]; }
    __device__ double gap_after() const { return last() ? 0 : t[1] - t[0]; }

    /// Goes on to the next row of the list.
    __device__ void advance() {
        ++row;
        --left;
        first = false;
        ++t;
        values += values_step;
    }
};

template <class T>
__device__ ScannedRow<T> scanned_row(const PiecesScan<T>& scan, std::int64_t row) {
    ScannedRow<T> found;
    found.row = row;
    found.list = scan.rows.row_list[row];
    const auto tracks = static_cast<std::int32_t>(scan.table.tracks);
    found.cell = found.list / tracks;
    found.track = found.list % tracks;
    found.width = static_cast<std::int32_t>(scan.units.width(found.cell));
    const std::int64_t begin = scan.rows.begin[found.list];
    found.first = row == begin;
    found.left = static_cast<std::int32_t>(scan.rows.begin[found.list + 1] - row);
    const std::int64_t source = scan.units.cell[found.cell];
    const std::int64_t source_list = source * scan.table.tracks + found.track;
    found.t = scan.table.knots(source_list) + (row - begin);
    found.values = scan.table.template row<T>(source_list, row - begin);
    found.values_step = scan.table.width[source];
    return found;
}

/// A unit and one of its thresholds: the same at all rows of a list. A lane may have none.
struct ScannedColumn {
    bool exists = false;
    std::int32_t column = 0;  // of the cell
    std::int32_t source = 0;  // its column in the cell's source
    double threshold = 0;
    sweep::UnitTolerance known{};

    template <class T>
    __device__ double z(const T* values) const {
        return static_cast<double>(values[source]) - threshold;
    }
};

/// A unit at a knot, less one of its thresholds, and what follows there. Without a unit, nothing
/// does.
struct ScannedUnit {
    std::int32_t column = 0;  // of the cell
    sweep::AtKnot z{};
    sweep::UnitTolerance known{};
    bool exact = false;   // z is 0 without rounding
    bool near = false;    // to the boundary
    bool starts = false;  // active on the first piece, if this is the first knot
    bool flips = false;   // here
    bool was_active = false;
    bool crosses = false;  // before the next knot
};

/// Column j of the layer's.
__device__ sweep::UnitTolerance tolerance_of(const PiecesTolerances& tolerances,
                                             std::int64_t columns, const sweep::AffineStep& step,
                                             std::int64_t j) {
    if (step.gamma < 0) {
        return {step.e2, step.einf, 0};
    }
    return sweep::unit_tolerance(step, {tolerances.norms[j], tolerances.norms[columns + j],
                                        tolerances.norms[2 * columns + j]});
}

template <class T>
__device__ ScannedColumn scanned_column(const PiecesScan<T>& scan, const ScannedRow<T>& row,
                                        const sweep::AffineStep& step, std::int64_t k,
                                        std::int32_t j) {
    const std::int64_t begin = scan.units.column_begin[row.cell];
    ScannedColumn found;
    found.exists = true;
    found.column = j;
    found.source = scan.units.source_column[begin + j];
    if (scan.thresholds) {
        found.threshold = scan.thresholds[scan.units.thresholds * begin + k * row.width + j];
    }
    found.known = tolerance_of(scan.tolerances, scan.units.columns, step, begin + j);
    return found;
}

/// The unit at the row, where it is z, and z_next at the next row if there is one.
template <class T>
__device__ ScannedUnit scanned_unit(const ScannedRow<T>& row, const ScannedColumn& of, double z,
                                    double z_next, bool exact_zeros) {
    ScannedUnit unit;
    unit.column = of.column;
    unit.known = of.known;
    unit.z = {*row.t, z, 0, row.gap_before(), row.last() ? 0 : z_next, row.gap_after()};
    unit.exact = exact_zeros && z == 0;
    unit.near = sweep::is_near(z, of.known.bound);
    const int here = sweep::sign_of(z, of.known.snap);
    const int after = sweep::sign_of(unit.z.after, of.known.snap);
    unit.starts = row.first && sweep::starts_active(here, after);
    unit.crosses = !row.last() && sweep::crosses_between(here, after);
    if (!row.first && (here == 0 || unit.near)) {
        unit.z.before = of.z(row.values - row.values_step);
        const int before = sweep::sign_of(unit.z.before, of.known.snap);
        unit.was_active = before > 0;
        unit.flips = !row.last() && sweep::flips_at_knot(before, here, after);
    }
    return unit;
}

/// Whether a unit of the cell has a threshold k other than 0. All lanes call.
template <class T>
__device__ bool is_shifted(const PiecesScan<T>& scan, const ScannedRow<T>& row, std::int64_t k) {
    if (!scan.thresholds) {
        return false;
    }
    const double* const thresholds =
        scan.thresholds + scan.units.thresholds * scan.units.column_begin[row.cell] + k * row.width;
    bool shifted = false;
    for (std::int64_t j = lane_of_warp(); j < row.width; j += warp_lanes) {
        shifted = shifted || thresholds[j] != 0;
    }
    return __any_sync(all_lanes, shifted) != 0;
}

__device__ sweep::AffineStep step_of(const PiecesTolerances& tolerances, std::int64_t tracks,
                                     std::int64_t cell, std::int64_t track) {
    const double* const slot =
        tolerances.slots + tolerances.slot[cell] * PiecesTolerances::slot_fields * tracks + track;
    return {slot[0],          slot[tracks],     slot[2 * tracks], slot[3 * tracks],
            slot[4 * tracks], slot[5 * tracks], slot[6 * tracks]};
}

/// Tells the sinks of n rows, from `row` on, of column `of`, or of none. Returns at which of them
/// the unit is near its boundary, a bit a row.
template <class T, int most, class Sink>
__device__ unsigned scan_column(ScannedRow<T> row, int n, const ScannedColumn& of, std::int64_t k,
                                bool exact_zeros, Sink (&sinks)[most]) {
    double z[most + 1]{};
#pragma unroll
    for (int i = 0; i <= most; ++i) {
        if (of.exists && i <= n && i < row.left) {
            z[i] = of.z(row.values + i * row.values_step);
        }
    }
    unsigned near = 0;
#pragma unroll
    for (int i = 0; i < most; ++i) {
        const bool exists = of.exists && i < n;
        const ScannedUnit unit =
            exists ? scanned_unit(row, of, z[i], z[i + 1], exact_zeros) : ScannedUnit{};
        sinks[i].take(k, unit);
        near |= (unit.near ? 1u : 0u) << i;
        row.advance();
    }
    return near;
}

/// A warp goes over the units of n rows of a list, from `row` on, a lane a column, and tells the
/// sinks, one a row, of all of them, threshold by threshold; a sink's functions are called by all
/// lanes. What is known of a column is read once for all n rows.
template <class T, int most, class Sink>
__device__ void scan_rows(const PiecesScan<T>& scan, const ScannedRow<T>& row, int n,
                          Sink (&sinks)[most]) {
    const sweep::AffineStep step = step_of(scan.tolerances, scan.table.tracks, row.cell, row.track);
    for (std::int64_t k = 0; k < scan.units.thresholds; ++k) {
        const bool exact_zeros = scan.exact_zeros[row.cell] != 0 && !is_shifted(scan, row, k);
        unsigned near = 0;
        for (std::int32_t first = 0; first < row.width; first += warp_lanes) {
            const std::int32_t j = first + lane_of_warp();
            const ScannedColumn column =
                j < row.width ? scanned_column(scan, row, step, k, j) : ScannedColumn{};
            near |= scan_column(row, n, column, k, exact_zeros, sinks);
        }
#pragma unroll
        for (int i = 0; i < most; ++i) {
            if (__any_sync(all_lanes, (near >> i & 1) != 0)) {
                sinks[i].mark_ties();
            }
        }
    }
}

/// Counts what Emitting emits; roots and events of a lane's columns only.
struct Counting {
    unsigned roots = 0;
    unsigned events = 0;
    unsigned ranges = 0;

    __device__ void take(std::int64_t, const ScannedUnit& unit) {
        roots += unit.crosses ? 1 : 0;
        events += unit.flips ? 1 : 0;
    }
    __device__ void mark_ties() { ++ranges; }
};

/// Writes a row's finds.
template <class T>
class Emitting {
public:
    __device__ Emitting(const PiecesScan<T>& scan, const PiecesFindings& to,
                        const ScannedRow<T>& row)
        : scan_(scan),
          to_(to),
          row_(row),
          ties_(*row.t),
          root_(to.starts[row.row]),
          event_(to.starts[scan.rows.rows + row.row]),
          range_(to.starts[2 * scan.rows.rows + row.row]) {}

    __device__ void take(std::int64_t k, const ScannedUnit& unit) {
        const unsigned roots = __ballot_sync(all_lanes, unit.crosses);
        const unsigned events = __ballot_sync(all_lanes, unit.flips);
        if (unit.crosses) {
            put_root(root_ + rank_in(roots), k, unit);
        }
        if (unit.flips) {
            put_event(event_ + rank_in(events), k, unit);
        }
        if (unit.starts) {
            set_first(bit_of(k, unit));
        }
        if (unit.near && !unit.exact) {
            ties_.add(unit.z, unit.known.snap, unit.known.bound);
        }
        root_ += __popc(roots);
        event_ += __popc(events);
    }

    /// Once all units of a threshold were taken.
    __device__ void mark_ties() {
        const sweep::Range lane = ties_.ambiguous();
        const sweep::Range range{smallest_of_warp(lane.low), largest_of_warp(lane.high)};
        const unsigned snapped = __reduce_add_sync(all_lanes, static_cast<unsigned>(ties_.snapped));
        const std::int64_t shift = most_of_warp(magnitude_bits(ties_.shift));
        if (lane_of_warp() == 0) {
            to_.ranges.put(range_, row_.track, range);
            if (snapped > 0) {
                atomicMax(to_.snapped + row_.list, static_cast<std::int32_t>(snapped));
                atomicMax(reinterpret_cast<long long*>(to_.shift + row_.track),
                          static_cast<long long>(shift));
            }
        }
        ++range_;
        ties_ = sweep::Ties(*row_.t);
    }

private:
    /// How many lanes below have their bit set.
    __device__ static int rank_in(unsigned lanes) {
        return __popc(lanes & ((1u << lane_of_warp()) - 1));
    }

    __device__ std::int64_t bit_of(std::int64_t k, const ScannedUnit& unit) const {
        const std::int64_t column = scan_.units.column_begin[row_.cell] + unit.column;
        return to_.unit[column] * scan_.units.thresholds + k;
    }

    __device__ void put_root(std::int64_t i, std::int64_t k, const ScannedUnit& unit) const {
        const sweep::AtKnot& z = unit.z;
        sweep::Root root = sweep::crossing_of(
            {z.t, row_.t[1], z.here, z.after, unit.known.snap, unit.known.bound}, bit_of(k, unit));
        root.column = unit.column;
        root.threshold = static_cast<std::int32_t>(k);
        to_.roots.put(i, row_.row, root);
    }

    __device__ void put_event(std::int64_t i, std::int64_t k, const ScannedUnit& unit) const {
        const double known = to_.knots.error_at(row_.track, unit.z.t);
        to_.events.put(i, unit.z.t, sweep::flip_error(unit.z, unit.known.bound, unit.exact, known),
                       row_.track, bit_of(k, unit), unit.was_active ? -1 : 1);
    }

    __device__ void set_first(std::int64_t bit) const {
        std::int64_t* const word =
            to_.first.code + row_.track * to_.first.words + to_.first.layer_word + bit / word_bits;
        atomicOr(reinterpret_cast<unsigned long long*>(word), 1ull << (bit % word_bits));
    }

    const PiecesScan<T>& scan_;
    const PiecesFindings& to_;
    const ScannedRow<T>& row_;
    sweep::Ties ties_;
    std::int64_t root_;
    std::int64_t event_;
    std::int64_t range_;
};

/// Rows that a warp counts at once: what it reads of each column serves all of them.
constexpr int rows_at_once = 4;

/// Blocks that a multiprocessor holds at least: of 80 registers a thread, some counters spill.
constexpr int count_blocks = 3;

/// Counts the finds of n rows of a list.
template <class T>
__device__ void count_rows(const PiecesScan<T>& scan, const ScannedRow<T>& row, int n,
                           std::int64_t* counts) {
    Counting found[rows_at_once];
    scan_rows(scan, row, n, found);
#pragma unroll
    for (int i = 0; i < rows_at_once; ++i) {
        const unsigned roots = __reduce_add_sync(all_lanes, found[i].roots);
        const unsigned events = __reduce_add_sync(all_lanes, found[i].events);
        if (i < n && lane_of_warp() == 0) {
            counts[row.row + i] = roots;
            counts[scan.rows.rows + row.row + i] = events;
            counts[2 * scan.rows.rows + row.row + i] = found[i].ranges;
        }
    }
}

/// A warp some rows, list by list. Floor: the values read once. Of a row and column it reads 5/4
/// of a value and 1/4 of 28 bytes that tell of the column, or 36 with thresholds.
template <class T>
__global__ void __launch_bounds__(block_threads, count_blocks)
    count_kernel(const PiecesScan<T> scan, std::int64_t* counts) {
    const std::int64_t rows = scan.rows.rows;
    const std::int64_t step = warps_of_grid() * rows_at_once;
    for (std::int64_t first = warp_of_grid() * rows_at_once; first < rows; first += step) {
        const std::int64_t end = sweep::smaller(first + rows_at_once, rows);
        for (std::int64_t at = first; at < end;) {
            const ScannedRow<T> row = scanned_row(scan, at);
            const int n = sweep::smaller(row.left, static_cast<std::int32_t>(end - at));
            count_rows(scan, row, n, counts);
            at += n;
        }
    }
}

/// Whether the row has no finds.
__device__ bool finds_nothing(const PiecesFindings& to, std::int64_t rows, std::int64_t row) {
    const std::int64_t totals[] = {to.roots.count, to.events.count, to.ranges.count};
    for (int kind = 0; kind < 3; ++kind) {
        const std::int64_t* const starts = to.starts + kind * rows;
        if (starts[row] != (row + 1 < rows ? starts[row + 1] : totals[kind])) {
            return false;
        }
    }
    return true;
}

/// A warp a row, of those that find something or are first: in deep layers they are few.
template <class T>
__global__ void __launch_bounds__(block_threads)
    emit_kernel(const PiecesScan<T> scan, const PiecesFindings findings) {
    for (std::int64_t row = warp_of_grid(); row < scan.rows.rows; row += warps_of_grid()) {
        const ScannedRow<T> scanned = scanned_row(scan, row);
        if (!scanned.first && finds_nothing(findings, scan.rows.rows, row)) {
            continue;
        }
        Emitting<T> to[] = {Emitting<T>(scan, findings, scanned)};
        scan_rows(scan, scanned, 1, to);
    }
}

}  // namespace

template <class T>
void count_pieces(const PiecesScan<T>& scan, std::int64_t* counts, Stream stream) {
    if (scan.rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("count_pieces", count_kernel<T>, ceil_div(scan.rows.rows, block_warps * rows_at_once),
           stream, scan, counts);
}

template <class T>
void emit_pieces(const PiecesScan<T>& scan, const PiecesFindings& findings, Stream stream) {
    if (scan.rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("emit_pieces", emit_kernel<T>, ceil_div(scan.rows.rows, block_warps), stream, scan,
           findings);
}

template void count_pieces(const PiecesScan<float>&, std::int64_t*, Stream);
template void count_pieces(const PiecesScan<double>&, std::int64_t*, Stream);
template void emit_pieces(const PiecesScan<float>&, const PiecesFindings&, Stream);
template void emit_pieces(const PiecesScan<double>&, const PiecesFindings&, Stream);

}  // namespace splinecode::cuda

#include "sweep_windows.hpp"

#include <cmath>
#include <cstdint>

#include "geometry.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "sweep/knot_search.hpp"
#include "warp.hpp"

/// The upper envelopes of windows between neighbouring knots, and the maxima at knots.
namespace splinecode::cuda {
namespace {

/// A row that begins an interval of its list.
struct ScannedRow {
    std::int64_t row;
    std::int64_t list;
    std::int64_t cell;
    std::int64_t track;
    bool first;

    /// The interval that ends at its knot.
    __device__ ScannedRow before() const { return {row - 1, list, cell, track, first}; }
};

/// Whether the row begins an interval, which `found` then is.
template <class T>
__device__ bool begins_interval(const WindowScan<T>& scan, std::int64_t row, ScannedRow& found) {
    const std::int64_t list = scan.rows.row_list[row];
    found = {row, list, scan.rows.cell(list), scan.rows.track(list), row == scan.rows.begin[list]};
    return row + 1 < scan.rows.begin[list + 1];
}

template <class T>
__device__ sweep::Envelope<T> envelope_of(const WindowScan<T>& scan, const ScannedRow& at,
                                          std::int64_t w) {
    const T* const left = scan.elements + scan.rows.values(at.list, at.row);
    const sweep::Lines<T> lines(scan.windows.window(at.cell, w), scan.windows.size, left,
                                left + scan.rows.width(at.list));
    return {lines, scan.t[at.row], scan.t[at.row + 1],
            sweep::WindowTolerance{scan.snap[at.track], scan.bound[at.track]},
            scan.exact + scan.rows.column_begin[at.cell]};
}

/// What a walk tells goes nowhere.
struct Nowhere {
    __device__ void root(const sweep::Root&) const {}
    __device__ void ambiguous(const sweep::Range&) const {}
};

/// Tells the sink of a window on an interval, and of the knot at its left end.
template <class T, class Sink>
__device__ void scan_window(const WindowScan<T>& scan, const ScannedRow& at, std::int64_t w,
                            const Sink& sink) {
    const sweep::Envelope<T> here = envelope_of(scan, at, w);
    const std::int64_t first = here.first();
    here.mark_ties(sink);
    if (at.first) {
        sink.begins(first);
    } else {
        const sweep::Envelope<T> before = envelope_of(scan, at.before(), w);
        const std::int64_t last = before.walk(before.first(), Nowhere{});
        if (first != last) {
            sink.changes(last, first, before.doubt_of_change(here, last, first));
        }
    }
    here.walk(first, sink);
}

/// How much there is of what a scan finds.
struct Amounts {
    int roots = 0;
    int events = 0;
    int ambiguous = 0;
    int assumed = 0;
};

/// Counts what Emitting emits.
struct Counting {
    Amounts* found;

    __device__ void begins(std::int64_t) const {}
    __device__ void changes(std::int64_t, std::int64_t, double) const { found->events += 2; }
    __device__ void root(const sweep::Root&) const { ++found->roots; }
    __device__ void ambiguous(const sweep::Range&) const { ++found->ambiguous; }
    __device__ void assumed(const sweep::Range&) const { ++found->assumed; }
};

/// Writes a window's finds, from the places `next` on.
struct Emitting {
    const WindowFindings& to;
    const ScannedRow& at;
    double t;
    std::int64_t w;
    std::int64_t bit;    // the window's first
    std::int64_t* next;  // a place for each kind

    __device__ void begins(std::int64_t element) const {
        const std::int64_t set = bit + element;
        std::int64_t* const word =
            to.first.code + at.track * to.first.words + to.first.layer_word + set / word_bits;
        atomicOr(reinterpret_cast<unsigned long long*>(word), 1ull << (set % word_bits));
    }
    __device__ void changes(std::int64_t off, std::int64_t on, double doubt) const {
        const double error = doubt + to.knots.error_at(at.track, t) + sweep::t_rounding;
        to.events.put(next[1]++, t, error, at.track, bit + off, -1);
        to.events.put(next[1]++, t, error, at.track, bit + on, 1);
    }
    __device__ void root(sweep::Root found) const {
        found.off += bit;
        found.on += bit;
        found.column = static_cast<std::int32_t>(w);
        to.roots.put(next[0]++, at.row, found);
    }
    __device__ void ambiguous(const sweep::Range& range) const {
        to.ambiguous.put(next[2]++, at.track, range);
    }
    __device__ void assumed(const sweep::Range& range) const {
        to.assumed.put(next[3]++, at.track, range);
    }
};

/// The sum over the lanes below, and over all of them. All lanes call.
struct WarpSums {
    int below;
    int all;
};
__device__ WarpSums sums_of_warp(int x) {
    int sum = x;
    for (unsigned lanes = 1; lanes < warp_lanes; lanes *= 2) {
        const int below = __shfl_up_sync(all_lanes, sum, lanes);
        sum += lane_of_warp() >= static_cast<int>(lanes) ? below : 0;
    }
    return {sum - x, __shfl_sync(all_lanes, sum, warp_lanes - 1)};
}

/// A warp an interval, a lane a window. Floor: the elements read once; those of a window are read
/// again and again, from the first cache.
template <class T>
__global__ void __launch_bounds__(block_threads)
    count_kernel(const WindowScan<T> scan, std::int64_t* counts) {
    const std::int64_t rows = scan.rows.rows;
    for (std::int64_t row = warp_of_grid(); row < rows; row += warps_of_grid()) {
        ScannedRow at;
        Amounts found;
        if (begins_interval(scan, row, at)) {
            for (std::int64_t w = lane_of_warp(); w < scan.windows.count(at.cell);
                 w += warp_lanes) {
                scan_window(scan, at, w, Counting{&found});
            }
        }
        const int all[] = {sums_of_warp(found.roots).all, sums_of_warp(found.events).all,
                           sums_of_warp(found.ambiguous).all, sums_of_warp(found.assumed).all};
        if (lane_of_warp() == 0) {
            for (int kind = 0; kind < 4; ++kind) {
                counts[kind * rows + row] = all[kind];
            }
        }
    }
}

/// Whether the row has finds.
__device__ bool finds(const WindowFindings& to, std::int64_t rows, std::int64_t row) {
    const std::int64_t totals[] = {to.roots.count, to.events.count, to.ambiguous.count,
                                   to.assumed.count};
    bool any = false;
    for (int kind = 0; kind < 4; ++kind) {
        const std::int64_t* const starts = to.starts + kind * rows;
        any = any || starts[row] != (row + 1 < rows ? starts[row + 1] : totals[kind]);
    }
    return any;
}

/// Up to as many windows as lanes, from `first` on: counted, then emitted from the row's places on,
/// which move.
template <class T>
__device__ void emit_windows_of_warp(const WindowScan<T>& scan, const WindowFindings& findings,
                                     const ScannedRow& at, std::int64_t first,
                                     std::int64_t (&places)[4]) {
    const std::int64_t w = first + lane_of_warp();
    const bool mine = w < scan.windows.count(at.cell);
    Amounts found;
    if (mine) {
        scan_window(scan, at, w, Counting{&found});
    }
    const int amounts[] = {found.roots, found.events, found.ambiguous, found.assumed};
    std::int64_t next[4];
    for (int kind = 0; kind < 4; ++kind) {
        const WarpSums sums = sums_of_warp(amounts[kind]);
        next[kind] = places[kind] + sums.below;
        places[kind] += sums.all;
    }
    if (mine) {
        const std::int64_t bit = findings.bits[scan.windows.begin[at.cell] + w];
        scan_window(scan, at, w, Emitting{findings, at, scan.t[at.row], w, bit, next});
    }
}

/// As count_kernel, of rows that find something or are first.
template <class T>
__global__ void __launch_bounds__(block_threads)
    emit_kernel(const WindowScan<T> scan, const WindowFindings findings) {
    const std::int64_t rows = scan.rows.rows;
    for (std::int64_t row = warp_of_grid(); row < rows; row += warps_of_grid()) {
        ScannedRow at;
        if (!begins_interval(scan, row, at) || (!at.first && !finds(findings, rows, row))) {
            continue;
        }
        std::int64_t places[4];
        for (int kind = 0; kind < 4; ++kind) {
            places[kind] = findings.starts[kind * rows + row];
        }
        for (std::int64_t w = 0; w < scan.windows.count(at.cell); w += warp_lanes) {
            emit_windows_of_warp(scan, findings, at, w, places);
        }
    }
}

/// The largest of a window's elements between two rows, as T.
template <class T>
__device__ T largest_between(const std::int32_t* index, std::int64_t size, const T* left,
                             const T* right, double weight) {
    double largest = -HUGE_VAL;
    for (std::int64_t e = 0; e < size; ++e) {
        if (index[e] >= 0) {
            largest = sweep::larger(
                largest, sweep::value_between(static_cast<double>(left[index[e]]),
                                              static_cast<double>(right[index[e]]), weight));
        }
    }
    return static_cast<T>(largest);
}

/// A warp a new row, a lane a window. Floor: the elements read and the values written once.
template <class T>
__global__ void __launch_bounds__(block_threads)
    fill_kernel(const Windows windows, const NodeRows elements, const T* element_values,
                const Interpolated source, const NodeRows rows, T* values) {
    for (std::int64_t row = warp_of_grid(); row < rows.rows; row += warps_of_grid()) {
        const std::int32_t list = rows.row_list[row];
        const std::int64_t cell = rows.cell(list);
        const double weight = source.weight[row];
        const T* const left = element_values + elements.values(list, source.row[row]);
        const T* const right = weight > 0 ? left + elements.width(list) : left;
        T* const to = values + rows.values(list, row);
        for (std::int64_t w = lane_of_warp(); w < windows.count(cell); w += warp_lanes) {
            to[w] = largest_between(windows.window(cell, w), windows.size, left, right, weight);
        }
    }
}

}  // namespace

template <class T>
void count_windows(const WindowScan<T>& scan, std::int64_t* counts, Stream stream) {
    require(scan.windows.size > 0, "count_windows", "the windows are empty");
    if (scan.rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("count_windows", count_kernel<T>, ceil_div(scan.rows.rows, block_warps), stream, scan,
           counts);
}

template <class T>
void emit_windows(const WindowScan<T>& scan, const WindowFindings& findings, Stream stream) {
    require(scan.windows.size > 0, "emit_windows", "the windows are empty");
    if (scan.rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("emit_windows", emit_kernel<T>, ceil_div(scan.rows.rows, block_warps), stream, scan,
           findings);
}

template <class T>
void fill_windows(const Windows& windows, const NodeRows& elements, const T* element_values,
                  const Interpolated& source, const NodeRows& rows, T* values, Stream stream) {
    require(elements.tracks == rows.tracks, "fill_windows", "the rows differ in their tracks");
    if (rows.rows == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("fill_windows", fill_kernel<T>, ceil_div(rows.rows, block_warps), stream, windows,
           elements, element_values, source, rows, values);
}

template void count_windows(const WindowScan<float>&, std::int64_t*, Stream);
template void count_windows(const WindowScan<double>&, std::int64_t*, Stream);
template void emit_windows(const WindowScan<float>&, const WindowFindings&, Stream);
template void emit_windows(const WindowScan<double>&, const WindowFindings&, Stream);
template void fill_windows(const Windows&, const NodeRows&, const float*, const Interpolated&,
                           const NodeRows&, float*, Stream);
template void fill_windows(const Windows&, const NodeRows&, const double*, const Interpolated&,
                           const NodeRows&, double*, Stream);

}  // namespace splinecode::cuda

#include <cstdint>
#include <cub/device/device_scan.cuh>

#include "geometry.hpp"
#include "ordered_bits.hpp"
#include "require.hpp"
#include "runtime.hpp"
#include "sweep.hpp"
#include "sweep/host_device.hpp"
#include "sweep/settling.hpp"
#include "warp.hpp"

/// Which roots are one knot.
namespace splinecode::cuda {
namespace {

struct Larger {
    SPLINECODE_HOST_DEVICE double operator()(double a, double b) const {
        return sweep::larger(a, b);
    }
};

struct Same {
    SPLINECODE_HOST_DEVICE bool operator()(std::int64_t a, std::int64_t b) const { return a == b; }
};

/// Asks CUB for the bytes of workspace where it is null; else queues the scan.
void scan_by_key(void* workspace, std::size_t& bytes, const std::int64_t* keys,
                 const double* values, std::int64_t n, double* largest, cudaStream_t stream) {
    check(cub::DeviceScan::InclusiveScanByKey(workspace, bytes, keys, values, largest, Larger{}, n,
                                              Same{}, stream),
          "running_max");
}

/// A group as sweep::GroupSettling wants it.
struct SettlingGroup {
    const RootGroups& groups;
    const RootArrays& roots;
    const KnotTable& table;
    const SettledRoots& settled;
    std::int64_t first;  // of the group, in by_snap
    std::int64_t n;
    std::int64_t knots_begin;
    std::int64_t knots_end;

    __device__ std::int64_t number(std::int64_t i) const { return groups.by_snap[first + i]; }
    __device__ std::int64_t size() const { return n; }
    __device__ sweep::Root root(std::int64_t i) const { return roots.numbers_of(number(i)); }
    __device__ void place(std::int64_t i, double t, double error) const {
        roots.place(number(i), t, error);
    }
    __device__ void make_knot(std::int64_t i) const { settled.fresh[number(i)] = 1; }
    __device__ std::int64_t knots() const { return knots_end - knots_begin; }
    __device__ sweep::Leader knot(std::int64_t k) const {
        return {table.t[knots_begin + k], table.snap[knots_begin + k]};
    }
    __device__ std::int64_t first_knot(double low) const {
        return sweep::first_not_below(table.reach, knots_begin, knots_end, low) - knots_begin;
    }
    __device__ sweep::FollowedLeader& node(std::int64_t j) const {
        return groups.followed[first + j];
    }
};

/// A thread a group.
__global__ void __launch_bounds__(block_threads)
    settle_kernel(const KnotTable table, const RootGroups groups, const RootArrays roots,
                  const SettledRoots settled) {
    for (std::int64_t first = thread_of_grid(); first < roots.count; first += threads_of_grid()) {
        if (!groups.starts[first]) {
            continue;
        }
        std::int64_t end = first;
        do {
            settled.fresh[groups.by_snap[end]] = 0;
            ++end;
        } while (end < roots.count && !groups.starts[end]);
        const std::int64_t track = groups.track[groups.by_snap[first]];
        SettlingGroup group{groups,
                            roots,
                            table,
                            settled,
                            first,
                            end - first,
                            table.begin[track],
                            table.begin[track + 1]};
        const sweep::GroupSettled found = sweep::GroupSettling(group).run();
        if (found.joined) {
            settled.joined[group.number(0)] = found.range.low;
            settled.joined[roots.count + group.number(0)] = found.range.high;
        }
        atomicMax(reinterpret_cast<long long*>(settled.shift + track),
                  static_cast<long long>(magnitude_bits(found.shift)));
        atomicMax(settled.together + track, static_cast<std::int32_t>(found.together));
    }
}

}  // namespace

std::size_t running_max_workspace_bytes(std::int64_t n) {
    require(n >= 0, "running_max", "the number of values is negative");
    std::size_t bytes = 0;
    scan_by_key(nullptr, bytes, nullptr, nullptr, n, nullptr, nullptr);
    return bytes;
}

void running_max(const std::int64_t* keys, const double* values, std::int64_t n, double* largest,
                 void* workspace, std::size_t workspace_bytes, Stream stream) {
    require(n >= 0, "running_max", "the number of values is negative");
    if (n == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    require(workspace_bytes >= running_max_workspace_bytes(n), "running_max",
            "the workspace is smaller than running_max_workspace_bytes");
    scan_by_key(workspace, workspace_bytes, keys, values, n, largest, handle_of(stream));
}

void settle_roots(const KnotTable& knots, const RootGroups& groups, const RootArrays& roots,
                  const SettledRoots& settled, Stream stream) {
    if (roots.count == 0) {
        return;
    }
    const DeviceGuard guard(stream.device);
    launch("settle_roots", settle_kernel, ceil_div(roots.count, block_threads), stream, knots,
           groups, roots, settled);
}

}  // namespace splinecode::cuda

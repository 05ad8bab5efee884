#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <stdexcept>
#include <vector>

/// Runs the grids of the kernels in cuda/ on the CPU: a block at a time, each thread of the block a
/// fiber that runs until the next point where threads meet.
///
/// What a passing test proves, of the very sources that nvcc compiles:
///   - the results are right in the cases run, for the indices, tails, strides and batches there;
///   - no thread of those cases meets the others at another place, or leaves while they wait;
///   - no result depends on the order of blocks, nor on the order of warps and lanes between two
///     meeting points, in the random orders that were tried: a missing barrier is likely, not
///     certain, to show;
///   - no block counts on what its shared memory holds at the start: it is filled with noise;
///   - under AddressSanitizer and UndefinedBehaviorSanitizer, no access beyond an array in device
///     memory and no undefined arithmetic.
///
/// What it cannot prove, since there is no GPU here: anything about time, occupancy, registers or
/// bank conflicts; the memory model (an access is visible at once, so a missing fence, or a plain
/// update where an atomic one is needed, passes); the PTX and machine code that nvcc makes; that a
/// pointer is one to device memory; the limits and errors of real devices and streams
/// (a launch runs at once). Those need the tests on a GPU.
namespace emulator {

constexpr unsigned warp_lanes = 32;
/// Threads that issue one wgmma instruction together.
constexpr unsigned warpgroup_threads = 128;

struct Dim3 {
    unsigned x;
    unsigned y;
    unsigned z;
    constexpr Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

/// Where the thread that is running stands.
inline Dim3 thread_index{0, 0, 0};
inline Dim3 block_index{0, 0, 0};
inline Dim3 block_dim;
inline Dim3 grid_dim;

/// Threads that wait for each other in vain; what() says where.
struct Divergence : std::logic_error {
    using std::logic_error::logic_error;
};

enum class Scope { warp, warpgroup, block };

/// Called by a thread of a kernel: waits until every thread of its warp, warpgroup or block has
/// made the same call, at the same place in the source. Returns what each of them brought, by lane
/// or thread, valid until the caller's next call.
std::span<const std::uint64_t> meet(Scope scope, std::uint64_t brought,
                                    const std::source_location& place);

/// Runs `kernel` in every thread of a grid of whole warps. Throws Divergence.
void run_grid(unsigned blocks, unsigned threads, const std::function<void()>& kernel);

/// The dynamic shared memory of the block that runs, aligned to 16 bytes and no more, as a GPU's
/// may be. What lies beyond the bytes asked for at the launch is poisoned under AddressSanitizer.
unsigned char* dynamic_shared_memory();
/// Where the addresses of shared memory count from.
unsigned char* shared_window();
/// Ends the test program's grid with an error: a kernel did what the hardware forbids.
[[noreturn]] void fail(const char* what);
/// As the grid's launch asks; run_grid uses it up.
void set_dynamic_shared_memory(std::size_t bytes);
constexpr std::size_t most_dynamic_shared_memory = 227 * 1024;

/// Work that the hardware may do at any time up to a wait: asynchronous copies, in any order, and
/// matrix products, one after the other. `queue` does it at once or keeps it, at random; `wait`
/// does what is kept but for the last `left` groups that the thread has committed.
class AsyncQueue {
public:
    enum class Order { any, kept };

    explicit AsyncQueue(Order order) : order_(order) {}
    void queue(std::function<void()> work);
    void commit();
    void wait(std::size_t left);
    void forget();

private:
    bool idle() const;

    Order order_;
    std::vector<std::vector<std::function<void()>>> groups_{{}};
};
/// Those of the thread that is running.
AsyncQueue& async_copies();
AsyncQueue& async_products();

/// If not 0, a grid runs with at most so many blocks, so that they step over more work than one
/// piece each: what a grid does that has reached the largest size.
inline unsigned most_blocks = 0;

}  // namespace emulator

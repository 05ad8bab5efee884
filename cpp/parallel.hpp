#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>

namespace splinecode {

/// Polled by the calling thread between blocks; true asks the work to stop. May be empty.
using Interrupt = std::function<bool()>;

/// Thrown by the calling thread when its Interrupt asked to stop. Outputs are then unspecified.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};

/// Threads used by the kernels: set_threads if it was called with n > 0, else
/// SPLINECODE_NUM_THREADS, else the processors this process may run on.
/// Throws std::invalid_argument if the environment variable is not a positive whole number.
int threads();

/// n = 0 returns to the default. Throws std::invalid_argument for n < 0.
void set_threads(int n);

/// Calls body(block) once for each block in [0, blocks), in any order and on any thread.
/// Bodies must write to places of their own, so that the result is the same for any thread count.
/// `work` estimates the total in nanoseconds: small work stays on the calling thread.
/// The first exception of a body is rethrown here; Interrupted is thrown when `interrupt` says so.
void parallel_for(std::int64_t blocks, double work, const std::function<void(std::int64_t)>& body,
                  const Interrupt& interrupt);

/// For bodies that take long: throws Interrupted if the run of this thread is to stop. On the
/// calling thread that polls the run's Interrupt now and then; outside a run it does nothing.
void checkpoint();

}  // namespace splinecode

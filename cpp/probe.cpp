#include "probe.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "cache.hpp"
#include "simd.hpp"

namespace splinecode {
namespace {

/// A run takes about this long: threads start in far less, and a slice of the scheduler is longer.
constexpr double run_seconds = 5e-3;
/// Each thread takes about this many blocks of a run, so that one that starts late takes fewer.
constexpr std::int64_t blocks_per_thread = 8;
constexpr double ns_so_that_all_threads_work = 1e12;
constexpr std::int64_t least_bytes = 4096;
constexpr std::int64_t memory_block_bytes = 1 << 20;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// Keeps what a kernel returned, so that calling it is not in vain.
void use(std::uint64_t value) {
    static std::atomic<std::uint64_t> kept{0};
    kept.fetch_xor(value, std::memory_order_relaxed);
}

/// The best rate of body(block) over `blocks` blocks of `bytes` each, run again and again.
template <class Body>
double best_rate(std::int64_t blocks, double bytes, double seconds, const Body& body,
                 const Interrupt& interrupt) {
    if (!(seconds > 0)) {
        throw std::invalid_argument("seconds is " + std::to_string(seconds) +
                                    "; wanted a positive number");
    }
    double best = 0;
    const double end = now() + seconds;
    do {
        const double begin = now();
        parallel_for(blocks, ns_so_that_all_threads_work, body, interrupt);
        best = std::max(best, static_cast<double>(blocks) * bytes / (now() - begin));
    } while (now() < end);
    return best;
}

/// Rounds of a kernel that take about the time of a block; the call also warms the caches.
template <class Kernel>
std::size_t rounds_of_a_block(const Kernel& kernel) {
    constexpr double wanted = run_seconds / blocks_per_thread;
    std::size_t rounds = 1;
    for (;; rounds *= 2) {
        const double begin = now();
        use(kernel(rounds));
        if (now() - begin > wanted) {
            return rounds;
        }
    }
}

/// The best rate of kernel(words, rounds) where every thread has a buffer of its own.
template <class Kernel>
double rate_in_cache(std::int64_t bytes, double bytes_a_round, double seconds, const Kernel& kernel,
                     const Interrupt& interrupt) {
    const auto words = static_cast<std::size_t>(bytes / 8);
    const auto rounds = [&] {
        const std::vector<std::uint64_t> buffer(words, 0x0706050403020100);
        return rounds_of_a_block([&](std::size_t n) { return kernel(buffer.data(), words, n); });
    }();
    const auto run = [&](std::int64_t) {
        const std::vector<std::uint64_t> buffer(words, 0x0706050403020100);
        use(kernel(buffer.data(), words, rounds));
    };
    return best_rate(blocks_per_thread * threads(), bytes_a_round * static_cast<double>(rounds),
                     seconds, run, interrupt);
}

}  // namespace

double probe_cache(std::int64_t bytes, double seconds, const Interrupt& interrupt) {
    if (bytes < least_bytes) {
        throw std::invalid_argument("bytes is " + std::to_string(bytes) + "; wanted at least " +
                                    std::to_string(least_bytes));
    }
    const std::int64_t whole = bytes / least_bytes * least_bytes;
    return rate_in_cache(whole, static_cast<double>(whole), seconds, kernels().probe_read,
                         interrupt);
}

double probe_memory(double seconds, const Interrupt& interrupt) {
    const std::int64_t bytes =
        std::clamp<std::int64_t>(4 * cache_bytes(3), 256 << 20, std::int64_t{2} << 30);
    constexpr std::size_t block_words = memory_block_bytes / 8;
    const std::int64_t blocks = bytes / memory_block_bytes;
    const std::vector<std::uint64_t> buffer(static_cast<std::size_t>(blocks) * block_words, 1);
    const auto run = [&](std::int64_t block) {
        const auto begin = static_cast<std::size_t>(block) * block_words;
        use(kernels().probe_read(buffer.data() + begin, block_words, 1));
    };
    return best_rate(blocks, static_cast<double>(memory_block_bytes), seconds, run, interrupt);
}

double probe_popcount(double seconds, const Interrupt& interrupt) {
    const std::int64_t bytes = cache_bytes(1) / 2 / least_bytes * least_bytes;
    return rate_in_cache(bytes, static_cast<double>(bytes), seconds, kernels().probe_popcount,
                         interrupt);
}

double probe_shuffle(double seconds, const Interrupt& interrupt) {
    const Kernels& kernel = kernels();
    const auto looked_up = static_cast<double>(8 * 8 * kernel.words_per_vector);
    const auto run = [&](const std::uint64_t* p, std::size_t, std::size_t rounds) {
        return kernel.probe_shuffle(p, rounds);
    };
    return rate_in_cache(least_bytes, looked_up, seconds, run, interrupt);
}

}  // namespace splinecode

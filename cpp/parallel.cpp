#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace splinecode {
namespace {

/// Starting and joining a thread costs about 20 us, and a core that another library's idle thread
/// still spins on costs more; below this much work it does not pay.
constexpr double least_work_per_thread_ns = 200e3;
constexpr auto poll_interval = std::chrono::milliseconds(20);

int usable_processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return std::max(1, CPU_COUNT(&set));
    }
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int default_threads() {
    const char* text = std::getenv("SPLINECODE_NUM_THREADS");
    if (!text || !*text) {
        return usable_processors();
    }
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end != '\0' || n < 1 || n > 4096) {
        throw std::invalid_argument(std::string("SPLINECODE_NUM_THREADS is '") + text +
                                    "'; wanted a whole number from 1 to 4096");
    }
    return static_cast<int>(n);
}

std::atomic<int> chosen_threads{0};

class Run;

/// Kept from run to run, so that many short ones are interrupted too.
thread_local std::chrono::steady_clock::time_point last_poll;

/// A thread at work on a run; the calling thread's has an Interrupt to poll.
struct Worker {
    const Run& run;
    const Interrupt& interrupt;

    void poll() {
        if (!interrupt || std::chrono::steady_clock::now() - last_poll <= poll_interval) {
            return;
        }
        if (interrupt()) {
            throw Interrupted();
        }
        last_poll = std::chrono::steady_clock::now();
    }
};

thread_local Worker* this_worker = nullptr;

/// Hands out blocks, keeps the first exception, and stops early once there is one.
class Run {
public:
    Run(std::int64_t blocks, const std::function<void(std::int64_t)>& body)
        : blocks_(blocks), body_(body) {}

    void work(const Interrupt& interrupt) {
        Worker worker{*this, interrupt};
        Worker* const outer = std::exchange(this_worker, &worker);
        try {
            while (!stop_.load(std::memory_order_relaxed)) {
                const std::int64_t block = next_.fetch_add(1, std::memory_order_relaxed);
                if (block >= blocks_) {
                    break;
                }
                body_(block);
                worker.poll();
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (!error_) {
                error_ = std::current_exception();
            }
            stop_ = true;
        }
        this_worker = outer;
    }

    bool stopping() const { return stop_.load(std::memory_order_relaxed); }

    void rethrow() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

private:
    std::int64_t blocks_;
    const std::function<void(std::int64_t)>& body_;
    std::atomic<std::int64_t> next_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

}  // namespace

void checkpoint() {
    if (!this_worker) {
        return;
    }
    if (this_worker->run.stopping()) {
        throw Interrupted();
    }
    this_worker->poll();
}

int threads() {
    const int chosen = chosen_threads.load();
    if (chosen > 0) {
        return chosen;
    }
    static const int initial = default_threads();
    return initial;
}

void set_threads(int n) {
    if (n < 0) {
        throw std::invalid_argument("threads is " + std::to_string(n) +
                                    "; wanted a positive number, or 0 for the default");
    }
    chosen_threads = n;
}

void parallel_for(std::int64_t blocks, double work, const std::function<void(std::int64_t)>& body,
                  const Interrupt& interrupt) {
    Run run(blocks, body);
    const auto by_work = static_cast<std::int64_t>(work / least_work_per_thread_ns);
    const std::int64_t wanted = std::min<std::int64_t>({threads(), blocks, by_work});
    std::vector<std::thread> helpers;
    helpers.reserve(static_cast<std::size_t>(std::max<std::int64_t>(wanted, 1)));
    try {
        for (std::int64_t i = 1; i < wanted; ++i) {
            helpers.emplace_back([&run] { run.work({}); });
        }
    } catch (const std::system_error&) {
        // The system gives no more threads: those that started, or this one alone, do the work.
    }
    run.work(interrupt);
    for (std::thread& helper : helpers) {
        helper.join();
    }
    run.rethrow();
}

}  // namespace splinecode

#include "emulator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fiber.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID_ACCESS(begin, bytes) ASAN_POISON_MEMORY_REGION(begin, bytes)
#define ALLOW_ACCESS(begin, bytes) ASAN_UNPOISON_MEMORY_REGION(begin, bytes)
#else
#define FORBID_ACCESS(begin, bytes) static_cast<void>(begin)
#define ALLOW_ACCESS(begin, bytes) static_cast<void>(begin)
#endif

// The linker's bounds of the section that __shared__ variables are in; null if there are none.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern char __start_emulated_shared[];
[[gnu::weak, gnu::visibility("hidden")]] extern char __stop_emulated_shared[];
}

namespace emulator {
namespace {

std::mt19937_64 random_bits(1);

constexpr std::size_t shared_alignment = 16;
// One alignment more than a GPU gives, so that the block's memory can start off any larger one.
alignas(1024) unsigned char shared_memory[1024 + most_dynamic_shared_memory];
std::size_t dynamic_bytes = 0;
std::size_t dynamic_offset = 0;

struct Thread {
    Fiber fiber;
    bool waiting = false;
    // Of the call at which it waits:
    Scope scope = Scope::block;
    std::uint64_t brought = 0;
    std::source_location place;
    AsyncQueue copies{AsyncQueue::Order::any};
    AsyncQueue products{AsyncQueue::Order::kept};

    std::string state() const {
        return fiber.done() ? "has returned"
                            : std::string("waits at ") + place.file_name() + ':' +
                                  std::to_string(place.line());
    }
    bool is_with(const Thread& other) const {
        if (fiber.done() || other.fiber.done()) {
            return fiber.done() && other.fiber.done();
        }
        return place.line() == other.place.line() && place.column() == other.place.column() &&
               std::strcmp(place.file_name(), other.place.file_name()) == 0;
    }
};

class Block {
public:
    explicit Block(unsigned threads)
        : threads_(threads), order_(threads), warps_(threads / warp_lanes), met_(threads) {
        std::iota(order_.begin(), order_.end(), 0u);
        std::iota(warps_.begin(), warps_.end(), 0u);
        met_by_warp_ = met_by_warpgroup_ = met_;
    }

    std::size_t size() const { return threads_.size(); }
    Thread& running() { return threads_[thread_index.x]; }

    /// Either all warps advance together, or each runs as far ahead of the others as it can.
    void run(const std::function<void()>& kernel) {
        fill_shared_memory();
        for (Thread& thread : threads_) {
            thread.fiber.start(kernel);
            thread.waiting = false;
            thread.copies.forget();
            thread.products.forget();
        }
        while (!std::ranges::all_of(threads_, [](const Thread& t) { return t.fiber.done(); })) {
            std::ranges::shuffle(order_, random_bits);
            const bool ran = random_bits() % 2 == 0 ? step_together() : step_warp_by_warp();
            bool released = release(Scope::block, threads_, met_);
            for (unsigned group = 0; group < threads_.size() / warpgroup_threads; ++group) {
                released = release(Scope::warpgroup, part<warpgroup_threads>(threads_, group),
                                   part<warpgroup_threads>(met_by_warpgroup_, group)) ||
                           released;
            }
            if (!released && !ran) {
                throw_divergence(threads_);
            }
        }
    }

    std::span<const std::uint64_t> meet(Scope scope, std::uint64_t brought,
                                        const std::source_location& place) {
        const unsigned index = thread_index.x;
        Thread& thread = threads_[index];
        thread.waiting = true;
        thread.scope = scope;
        thread.brought = brought;
        thread.place = place;
        Fiber::suspend();
        switch (scope) {
            case Scope::warp: return part<warp_lanes>(met_by_warp_, index / warp_lanes);
            case Scope::warpgroup:
                return part<warpgroup_threads>(met_by_warpgroup_, index / warpgroup_threads);
            case Scope::block: break;
        }
        return met_;
    }

private:
    template <unsigned Size, class T>
    static std::span<T> part(std::vector<T>& all, unsigned number) {
        return std::span(all).subspan(number * Size, Size);
    }

    static void fill_shared_memory() {
        make_noise(__start_emulated_shared,
                   static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
        dynamic_offset = random_bits() % (1024 / shared_alignment) * shared_alignment;
        unsigned char* const dynamic = dynamic_shared_memory();
        ALLOW_ACCESS(shared_memory, sizeof(shared_memory));
        make_noise(dynamic, dynamic_bytes);
        FORBID_ACCESS(shared_memory, dynamic_offset);
        FORBID_ACCESS(dynamic + dynamic_bytes,
                      sizeof(shared_memory) - dynamic_offset - dynamic_bytes);
    }

    static void make_noise(void* memory, std::size_t bytes) {
        auto* to = static_cast<unsigned char*>(memory);
        while (bytes > 0) {
            const std::uint64_t noise = random_bits();
            const std::size_t some = std::min(bytes, sizeof(noise));
            std::memcpy(to, &noise, some);
            to += some;
            bytes -= some;
        }
    }

    bool step_together() {
        bool ran = false;
        for (const unsigned thread : order_) {
            ran = step(thread) || ran;
        }
        for (const unsigned warp : warps_) {
            release_warp(warp);
        }
        return ran;
    }

    bool step_warp_by_warp() {
        std::ranges::shuffle(warps_, random_bits);
        bool ran = false;
        for (const unsigned warp : warps_) {
            do {
                for (const unsigned thread : order_) {
                    ran = (thread / warp_lanes == warp && step(thread)) || ran;
                }
            } while (release_warp(warp));
        }
        return ran;
    }

    /// Runs a thread to its next meeting point, unless it waits or is done.
    bool step(unsigned index) {
        Thread& thread = threads_[index];
        if (thread.waiting || thread.fiber.done()) {
            return false;
        }
        thread_index = Dim3(index, 0, 0);
        thread.fiber.resume();
        return true;
    }

    bool release_warp(unsigned warp) {
        return release(Scope::warp, part<warp_lanes>(threads_, warp),
                       part<warp_lanes>(met_by_warp_, warp));
    }

    /// Lets a group go on if all of it waits at meeting points of its scope.
    static bool release(Scope scope, std::span<Thread> group, std::span<std::uint64_t> met) {
        for (const Thread& thread : group) {
            if (!thread.waiting || thread.scope != scope) {
                return false;
            }
        }
        for (std::size_t i = 0; i < group.size(); ++i) {
            if (!group[i].is_with(group[0])) {
                throw_divergence(group);
            }
            group[i].waiting = false;
            met[i] = group[i].brought;
        }
        return true;
    }

    [[noreturn]] static void throw_divergence(std::span<const Thread> group) {
        const auto other = std::ranges::find_if(
            group, [&](const Thread& thread) { return !thread.is_with(group[0]); });
        throw Divergence(std::string("threads diverged: one ") + group[0].state() + ", one " +
                         (other == group.end() ? group.back() : *other).state());
    }

    std::vector<Thread> threads_;
    std::vector<unsigned> order_;
    std::vector<unsigned> warps_;
    // What was brought to the last meeting. A fast warp meets again before a slow one has read
    // what the block brought: hence one a scope.
    std::vector<std::uint64_t> met_;
    std::vector<std::uint64_t> met_by_warp_;
    std::vector<std::uint64_t> met_by_warpgroup_;
};

Block& block_of(unsigned threads) {
    static Block block(threads);
    if (block.size() != threads) {
        block = Block(threads);
    }
    return block;
}

}  // namespace

std::span<const std::uint64_t> meet(Scope scope, std::uint64_t brought,
                                    const std::source_location& place) {
    return block_of(block_dim.x).meet(scope, brought, place);
}

AsyncQueue& async_copies() { return block_of(block_dim.x).running().copies; }
AsyncQueue& async_products() { return block_of(block_dim.x).running().products; }

void AsyncQueue::queue(std::function<void()> work) {
    if (random_bits() % 2 == 0 && (order_ == Order::any || idle())) {
        work();
    } else {
        groups_.back().push_back(std::move(work));
    }
}

bool AsyncQueue::idle() const {
    return std::ranges::all_of(groups_, [](const auto& group) { return group.empty(); });
}

void AsyncQueue::commit() { groups_.emplace_back(); }

void AsyncQueue::wait(std::size_t left) {
    // The last group is the one that is not committed yet.
    while (groups_.size() > left + 1) {
        for (const auto& work : groups_.front()) {
            work();
        }
        groups_.erase(groups_.begin());
    }
}

void AsyncQueue::forget() { groups_.assign(1, {}); }

unsigned char* dynamic_shared_memory() { return shared_memory + dynamic_offset; }

unsigned char* shared_window() { return shared_memory; }

void fail(const char* what) {
    // Fibers cannot throw through their entry.
    std::fprintf(stderr, "emulator: %s\n", what);
    std::abort();
}

void set_dynamic_shared_memory(std::size_t bytes) { dynamic_bytes = bytes; }

void run_grid(unsigned blocks, unsigned threads, const std::function<void()>& kernel) {
    if (blocks == 0 || threads == 0 || threads % warp_lanes != 0) {
        throw std::logic_error("emulator: wanted a grid of whole warps");
    }
    grid_dim = Dim3(most_blocks == 0 ? blocks : std::min(blocks, most_blocks));
    block_dim = Dim3(threads);
    std::vector<unsigned> order(grid_dim.x);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::shuffle(order, random_bits);
    for (const unsigned index : order) {
        block_index = Dim3(index, 0, 0);
        block_of(threads).run(kernel);
    }
    dynamic_bytes = 0;
}

}  // namespace emulator

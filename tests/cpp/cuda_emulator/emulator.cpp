#include "emulator.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fiber.hpp"

// The linker's bounds of the section that __shared__ variables are in; null if there are none.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern char __start_emulated_shared[];
[[gnu::weak, gnu::visibility("hidden")]] extern char __stop_emulated_shared[];
}

namespace emulator {
namespace {

std::mt19937_64 random_bits(1);

struct Thread {
    Fiber fiber;
    bool waiting = false;
    // Of the call at which it waits:
    Scope scope = Scope::block;
    std::uint64_t brought = 0;
    std::source_location place;

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
        met_by_warp_ = met_;
    }

    std::size_t size() const { return threads_.size(); }

    /// Either all warps advance together, or each runs as far ahead of the others as it can.
    void run(const std::function<void()>& kernel) {
        fill_shared_memory();
        for (Thread& thread : threads_) {
            thread.fiber.start(kernel);
            thread.waiting = false;
        }
        while (!std::ranges::all_of(threads_, [](const Thread& t) { return t.fiber.done(); })) {
            std::ranges::shuffle(order_, random_bits);
            const bool ran = random_bits() % 2 == 0 ? step_together() : step_warp_by_warp();
            if (!release(Scope::block, threads_, met_) && !ran) {
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
        return scope == Scope::block ? met_ : lanes_of(met_by_warp_, index / warp_lanes);
    }

private:
    template <class T>
    static std::span<T> lanes_of(std::vector<T>& all, unsigned warp) {
        return std::span(all).subspan(warp * warp_lanes, warp_lanes);
    }

    static void fill_shared_memory() {
        std::generate(__start_emulated_shared, __stop_emulated_shared,
                      [] { return static_cast<char>(random_bits()); });
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
        return release(Scope::warp, lanes_of(threads_, warp), lanes_of(met_by_warp_, warp));
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
    // what the block brought: hence two.
    std::vector<std::uint64_t> met_;
    std::vector<std::uint64_t> met_by_warp_;
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
}

}  // namespace emulator

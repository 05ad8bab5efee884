#include "parallel.hpp"

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace splinecode;

namespace {
constexpr double much_work = 1e12;
}

TEST(every_block_runs_once) {
    for (const int n : {1, 3, 16}) {
        set_threads(n);
        std::vector<std::atomic<int>> runs(1001);
        parallel_for(1001, much_work, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; },
                     {});
        for (const auto& count : runs) {
            CHECK_EQ(count.load(), 1);
        }
        parallel_for(0, much_work, [](std::int64_t) { throw std::logic_error("no block"); }, {});
    }
    set_threads(0);
}

TEST(a_body_s_exception_arrives) {
    for (const int n : {1, 4}) {
        set_threads(n);
        CHECK_THROWS(parallel_for(100, much_work,
                                  [](std::int64_t i) {
                                      if (i == 50) throw std::out_of_range("block 50");
                                  },
                                  {}),
                     std::out_of_range);
    }
    set_threads(0);
}

TEST(an_interrupt_stops_the_work) {
    std::atomic<int> runs{0};
    const auto slow = [&](std::int64_t) {
        ++runs;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    };
    CHECK_THROWS(parallel_for(100000, much_work, slow, [] { return true; }), Interrupted);
    CHECK(runs < 1000);
}

TEST(thread_counts_are_checked) {
    CHECK_THROWS(set_threads(-1), std::invalid_argument);
    set_threads(3);
    CHECK_EQ(threads(), 3);
    set_threads(0);
    CHECK(threads() >= 1);
}

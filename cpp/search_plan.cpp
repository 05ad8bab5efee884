#include "search_plan.hpp"

#include <algorithm>

#include "kernels/lookup_shape.hpp"

namespace splinecode {
namespace {

constexpr auto block = static_cast<std::int64_t>(lookup::block);
/// Blocks of a group for each thread: enough that the last ones even out.
constexpr std::int64_t blocks_per_thread = 8;
constexpr std::int64_t tasks_per_thread = 4;
/// Fewer rows than this do not pay for the tables of a block.
constexpr std::int64_t least_task_rows = 2048;
constexpr double ns_per_byte = 0.01;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

SearchPlan::SearchPlan(std::int64_t queries, std::int64_t rows, std::int64_t words)
    : queries_(queries), rows_(rows), words_(std::max<std::int64_t>(1, words)) {
    group_queries_ = blocks_per_thread * threads() * block;
    groups_ = ceil_div(queries, group_queries_);
    const std::int64_t blocks =
        std::max<std::int64_t>(1, ceil_div(std::min(queries, group_queries_), block));
    const std::int64_t by_threads = ceil_div(tasks_per_thread * threads(), blocks);
    slots_ = threads() == 1 ? 1 : std::clamp<std::int64_t>(rows / least_task_rows, 1, by_threads);
}

std::int64_t SearchPlan::group_end(std::int64_t group) const {
    return std::min(queries_, group_begin(group) + group_queries_);
}

void SearchPlan::for_each_task(std::int64_t group,
                               const std::function<void(const SearchTask&)>& body,
                               const Interrupt& interrupt) const {
    const std::int64_t begin = group_begin(group);
    const std::int64_t end = group_end(group);
    const std::int64_t blocks = ceil_div(end - begin, block);
    const std::int64_t slot_rows = ceil_div(rows_, slots_);
    const auto run = [&](std::int64_t i) {
        const std::int64_t query = begin + i / slots_ * block;
        const std::int64_t slot = i % slots_;
        body({query, std::min(end, query + block), std::min(rows_, slot * slot_rows),
              std::min(rows_, (slot + 1) * slot_rows), slot});
    };
    const double work = static_cast<double>(end - begin) * static_cast<double>(rows_) *
                        static_cast<double>(8 * words_) * ns_per_byte;
    parallel_for(blocks * slots_, work, run, interrupt);
}

}  // namespace splinecode

#pragma once

#include <cstdint>
#include <functional>

#include "parallel.hpp"

namespace splinecode {

/// A block of queries against a range of rows, the slot's: one task for each block and slot.
struct SearchTask {
    std::int64_t query_begin, query_end;
    std::int64_t row_begin, row_end;
    std::int64_t slot;
};

/// Cuts queries x rows into tasks: groups of blocks of queries, one group after the other, so that
/// what is kept a query stays small, and the rows in `slots` parts where a group has too few blocks
/// to feed the threads. Tasks may take long: what they run calls checkpoint().
class SearchPlan {
public:
    SearchPlan(std::int64_t queries, std::int64_t rows, std::int64_t words);

    std::int64_t groups() const { return groups_; }
    std::int64_t slots() const { return slots_; }
    std::int64_t group_begin(std::int64_t group) const { return group * group_queries_; }
    std::int64_t group_end(std::int64_t group) const;

    void for_each_task(std::int64_t group, const std::function<void(const SearchTask&)>& body,
                       const Interrupt& interrupt) const;

private:
    std::int64_t queries_, rows_, words_;
    std::int64_t group_queries_, groups_, slots_;
};

}  // namespace splinecode

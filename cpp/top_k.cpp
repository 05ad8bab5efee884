#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "hamming.hpp"
#include "memory.hpp"
#include "nearest.hpp"
#include "scan.hpp"

namespace splinecode {
namespace {

/// The candidates of a group of queries, and what the slots of a query tell each other: no k-th
/// neighbour is farther than the nearest of their k-th distances.
class Candidates {
public:
    Candidates(std::int64_t queries, std::int64_t slots, std::int64_t k)
        : slots_(slots),
          k_(static_cast<std::size_t>(k)),
          nearest_(static_cast<std::size_t>(queries * slots), Nearest(k_)),
          shared_(static_cast<std::size_t>(queries)) {
        for (std::atomic<std::int64_t>& limit : shared_) {
            limit.store(Nearest::open_limit, std::memory_order_relaxed);
        }
    }

    std::int64_t limit(std::int64_t query, std::int64_t slot) const {
        return std::min(at(query, slot).limit(), shared(query).load(std::memory_order_relaxed));
    }
    void add(std::int64_t query, std::int64_t slot, NeighborKey key) {
        Nearest& nearest = nearest_[static_cast<std::size_t>(query * slots_ + slot)];
        if (nearest.add(key) && slots_ > 1) {
            // Another slot's rows may tie with the k-th and come before it.
            lower(shared_[static_cast<std::size_t>(query)], nearest.limit() + 1);
        }
    }
    /// The k least of a query over its slots, in order.
    std::vector<NeighborKey> best(std::int64_t query) const {
        std::vector<NeighborKey> keys;
        for (std::int64_t slot = 0; slot < slots_; ++slot) {
            const std::vector<NeighborKey>& part = at(query, slot).keys();
            keys.insert(keys.end(), part.begin(), part.end());
        }
        const auto kth = keys.begin() + static_cast<std::ptrdiff_t>(std::min(k_, keys.size()));
        std::partial_sort(keys.begin(), kth, keys.end());
        return keys;
    }

private:
    const Nearest& at(std::int64_t query, std::int64_t slot) const {
        return nearest_[static_cast<std::size_t>(query * slots_ + slot)];
    }
    const std::atomic<std::int64_t>& shared(std::int64_t query) const {
        return shared_[static_cast<std::size_t>(query)];
    }
    static void lower(std::atomic<std::int64_t>& limit, std::int64_t value) {
        std::int64_t seen = limit.load(std::memory_order_relaxed);
        while (value < seen && !limit.compare_exchange_weak(seen, value)) {
        }
    }

    std::int64_t slots_;
    std::size_t k_;
    std::vector<Nearest> nearest_;
    std::vector<std::atomic<std::int64_t>> shared_;
};

}  // namespace

void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, const Interrupt& interrupt) {
    if (database.rows >= most_rows) {
        throw std::length_error("a database of more than 2^33 codes is not supported");
    }
    if (k == 0) {
        return;
    }
    const SearchPlan plan(queries.rows, database.rows, queries.words);
    const std::int64_t kept = plan.group_end(0) * plan.slots();
    need_memory(saturating_product({kept, Nearest::most_keys(k), sizeof(NeighborKey)}),
                "the candidates of a search for " + std::to_string(k) + " neighbours");
    for (std::int64_t group = 0; group < plan.groups(); ++group) {
        const std::int64_t begin = plan.group_begin(group);
        const std::int64_t end = plan.group_end(group);
        Candidates candidates(end - begin, plan.slots(), k);
        const auto run = [&](const SearchTask& task) {
            scan(
                queries, database, task,
                [&](std::int64_t query) { return candidates.limit(query - begin, task.slot); },
                [&](std::int64_t query, std::int64_t row, std::int32_t distance) {
                    if (!exclude_self || row != query) {
                        candidates.add(query - begin, task.slot, make_key(distance, row));
                    }
                });
        };
        plan.for_each_task(group, run, interrupt);
        const auto write = [&](std::int64_t i) {
            const std::vector<NeighborKey> keys = candidates.best(i);
            for (std::int64_t j = 0; j < k; ++j) {
                distances[(begin + i) * k + j] = distance_of(keys[static_cast<std::size_t>(j)]);
                indices[(begin + i) * k + j] = index_of(keys[static_cast<std::size_t>(j)]);
            }
        };
        const double merge_ns = 10.0 * static_cast<double>(k * plan.slots() * (end - begin));
        parallel_for(end - begin, merge_ns, write, interrupt);
    }
}

}  // namespace splinecode

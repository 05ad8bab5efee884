#include "hamming.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "simd.hpp"

namespace splinecode {
namespace {

/// Queries of a tile. Every block of the database is read from memory once per tile, so wider is
/// better until the queries no longer fit in the second cache (32 codes of 36,864 bits: 147 KB).
constexpr std::int64_t tile_queries = 32;
/// Rows of a tile: about this many bytes of codes, and at most this many rows of distances.
constexpr std::int64_t tile_bytes = 64 << 10;
constexpr std::int64_t most_tile_rows = 512;
/// A task, the unit between two polls for Ctrl-C, reads at most about this many bytes of codes.
constexpr double task_bytes = 1e9;
constexpr double ns_per_byte = 0.03;

/// Orders by (distance, index) as one number.
using Key = std::uint64_t;
constexpr int index_bits = 33;

Key make_key(std::int32_t distance, std::int64_t index) {
    return static_cast<Key>(distance) << index_bits | static_cast<Key>(index);
}
std::int32_t distance_of(Key key) { return static_cast<std::int32_t>(key >> index_bits); }
std::int64_t index_of(Key key) {
    return static_cast<std::int64_t>(key & ((Key{1} << index_bits) - 1));
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t rows_per_tile(std::int64_t words) {
    const std::int64_t by_bytes = tile_bytes / std::max<std::int64_t>(8, 8 * words);
    return std::clamp<std::int64_t>(by_bytes, 16, most_tile_rows);
}

/// A block of queries against a contiguous part of the database.
struct Task {
    std::int64_t query_begin, query_end;
    std::int64_t row_begin, row_end;
    std::int64_t split;
};

/// Cuts queries x database into tasks: blocks of queries, and the database in `splits` parts when
/// there are too few blocks to feed the threads or a block would take too long.
class Plan {
public:
    Plan(const CodeRows& queries, const CodeRows& database)
        : queries_(queries.rows),
          rows_(database.rows),
          query_blocks_(ceil_div(queries.rows, tile_queries)) {
        if (database.rows >= std::int64_t{1} << index_bits) {
            throw std::length_error("a database of more than 2^33 codes is not supported");
        }
        const double row_bytes =
            8.0 * static_cast<double>(std::max<std::int64_t>(1, queries.words));
        const double block_bytes = row_bytes * tile_queries * static_cast<double>(rows_);
        work_ = block_bytes * static_cast<double>(query_blocks_) * ns_per_byte;
        const std::int64_t by_size = static_cast<std::int64_t>(block_bytes / task_bytes) + 1;
        const std::int64_t by_threads =
            ceil_div(2 * threads(), std::max<std::int64_t>(1, query_blocks_));
        const std::int64_t most = ceil_div(rows_, most_tile_rows);
        splits_ = std::clamp<std::int64_t>(std::max(by_size, by_threads), 1,
                                           std::max<std::int64_t>(1, most));
    }

    std::int64_t splits() const { return splits_; }

    void for_each(const std::function<void(const Task&)>& body, const Interrupt& interrupt) const {
        const std::int64_t split_rows = ceil_div(rows_, splits_);
        const auto run = [&](std::int64_t i) {
            const std::int64_t block = i / splits_;
            const std::int64_t split = i % splits_;
            body({block * tile_queries, std::min(queries_, (block + 1) * tile_queries),
                  std::min(rows_, split * split_rows), std::min(rows_, (split + 1) * split_rows),
                  split});
        };
        parallel_for(query_blocks_ * splits_, work_, run, interrupt);
    }

private:
    std::int64_t queries_, rows_, query_blocks_, splits_ = 1;
    double work_ = 0;
};

/// Calls visit(query, first_row, distances, n) for the tiles of a task, rows in rising order.
template <class Visit>
void for_each_tile(const CodeRows& queries, const CodeRows& database, const Task& task,
                   const Visit& visit) {
    const Kernels& kernel = kernels();
    const std::int64_t tile_rows = rows_per_tile(queries.words);
    const std::int64_t n_queries = task.query_end - task.query_begin;
    std::vector<std::int32_t> tile(static_cast<std::size_t>(n_queries * tile_rows));
    for (std::int64_t row = task.row_begin; row < task.row_end; row += tile_rows) {
        const std::int64_t n = std::min(tile_rows, task.row_end - row);
        kernel.hamming_tile(queries.row(task.query_begin), static_cast<std::size_t>(n_queries),
                            queries.stride, database.row(row), static_cast<std::size_t>(n),
                            database.stride, static_cast<std::size_t>(queries.words), tile.data(),
                            static_cast<std::size_t>(tile_rows));
        for (std::int64_t q = 0; q < n_queries; ++q) {
            visit(task.query_begin + q, row, tile.data() + q * tile_rows, n);
        }
    }
}

/// Calls hit(row) for the rows of a tile within `bound()`, which may fall as hits are taken.
template <class Bound, class Hit>
void for_each_within(const std::int32_t* distances, std::int64_t n, const Bound& bound,
                     const Hit& hit) {
    const Kernels& kernel = kernels();
    const auto count = static_cast<std::size_t>(n);
    std::size_t i = kernel.find_at_most(distances, 0, count, bound());
    while (i < count) {
        hit(static_cast<std::int64_t>(i));
        i = kernel.find_at_most(distances, i + 1, count, bound());
    }
}

/// The k least keys seen, as a heap with the greatest on top. Rows arrive in rising order, so a
/// later row at the k-th distance never displaces an earlier one.
class Nearest {
public:
    explicit Nearest(std::int64_t k) : k_(static_cast<std::size_t>(k)) {}

    /// The greatest distance that can still enter; -1 once nothing can.
    std::int32_t bound() const {
        return heap_.size() < k_ ? std::numeric_limits<std::int32_t>::max()
                                 : distance_of(heap_.front()) - 1;
    }
    void add(Key key) {
        if (heap_.size() == k_) {
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.pop_back();
        }
        heap_.push_back(key);
        std::push_heap(heap_.begin(), heap_.end());
    }
    const std::vector<Key>& keys() const { return heap_; }

private:
    std::size_t k_;
    std::vector<Key> heap_;
};

/// What the tasks found, gathered by query: found[query * splits + split].
using Found = std::vector<std::vector<Key>>;

/// All keys of a query over the splits, sorted; the splits' vectors are given up.
std::vector<Key> merged(Found& found, std::int64_t query, std::int64_t splits) {
    std::vector<Key> keys;
    for (std::int64_t split = 0; split < splits; ++split) {
        std::vector<Key>& part = found[static_cast<std::size_t>(query * splits + split)];
        keys.insert(keys.end(), part.begin(), part.end());
        std::vector<Key>().swap(part);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}

}  // namespace

void hamming_paired(const CodeRows& a, const CodeRows& b, const std::vector<WordRange>& layers,
                    std::int32_t* out, const Interrupt& interrupt) {
    const auto n_layers = static_cast<std::int64_t>(layers.size());
    const std::int64_t row_bytes = std::max<std::int64_t>(8, 16 * a.words);
    const std::int64_t block_rows = std::max<std::int64_t>(1, (1 << 20) / row_bytes);
    const auto run = [&](std::int64_t block) {
        const Kernels& kernel = kernels();
        const std::int64_t end = std::min(a.rows, (block + 1) * block_rows);
        for (std::int64_t i = block * block_rows; i < end; ++i) {
            for (std::int64_t l = 0; l < n_layers; ++l) {
                const WordRange range = layers[static_cast<std::size_t>(l)];
                out[i * n_layers + l] =
                    kernel.hamming_distance(a.row(i) + range.begin, b.row(i) + range.begin,
                                            static_cast<std::size_t>(range.end - range.begin));
            }
        }
    };
    const double work = static_cast<double>(a.rows) * static_cast<double>(row_bytes) * ns_per_byte;
    parallel_for(ceil_div(a.rows, block_rows), work, run, interrupt);
}

void hamming_matrix(const CodeRows& x, const CodeRows& y, std::int32_t* out,
                    const Interrupt& interrupt) {
    const auto run = [&](const Task& task) {
        for_each_tile(x, y, task,
                      [&](std::int64_t query, std::int64_t row, const std::int32_t* distances,
                          std::int64_t n) {
                          std::copy(distances, distances + n, out + query * y.rows + row);
                      });
    };
    Plan(x, y).for_each(run, interrupt);
}

void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, const Interrupt& interrupt) {
    if (k == 0) {
        return;
    }
    const Plan plan(queries, database);
    Found found(static_cast<std::size_t>(queries.rows * plan.splits()));
    const auto run = [&](const Task& task) {
        std::vector<Nearest> nearest(static_cast<std::size_t>(task.query_end - task.query_begin),
                                     Nearest(k));
        for_each_tile(
            queries, database, task,
            [&](std::int64_t query, std::int64_t row, const std::int32_t* tile, std::int64_t n) {
                Nearest& best = nearest[static_cast<std::size_t>(query - task.query_begin)];
                for_each_within(
                    tile, n, [&] { return best.bound(); },
                    [&](std::int64_t i) {
                        if (!exclude_self || row + i != query) {
                            best.add(make_key(tile[i], row + i));
                        }
                    });
            });
        for (std::int64_t query = task.query_begin; query < task.query_end; ++query) {
            found[static_cast<std::size_t>(query * plan.splits() + task.split)] =
                nearest[static_cast<std::size_t>(query - task.query_begin)].keys();
        }
    };
    plan.for_each(run, interrupt);
    for (std::int64_t query = 0; query < queries.rows; ++query) {
        const std::vector<Key> keys = merged(found, query, plan.splits());
        for (std::int64_t i = 0; i < k; ++i) {
            distances[query * k + i] = distance_of(keys[static_cast<std::size_t>(i)]);
            indices[query * k + i] = index_of(keys[static_cast<std::size_t>(i)]);
        }
    }
}

NeighborLists within_radius(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            bool exclude_self, const Interrupt& interrupt) {
    const Plan plan(queries, database);
    Found found(static_cast<std::size_t>(queries.rows * plan.splits()));
    const auto run = [&](const Task& task) {
        for_each_tile(
            queries, database, task,
            [&](std::int64_t query, std::int64_t row, const std::int32_t* tile, std::int64_t n) {
                std::vector<Key>& hits =
                    found[static_cast<std::size_t>(query * plan.splits() + task.split)];
                for_each_within(
                    tile, n, [&] { return radius; },
                    [&](std::int64_t i) {
                        if (!exclude_self || row + i != query) {
                            hits.push_back(make_key(tile[i], row + i));
                        }
                    });
            });
    };
    plan.for_each(run, interrupt);
    NeighborLists lists;
    lists.offsets.push_back(0);
    for (std::int64_t query = 0; query < queries.rows; ++query) {
        for (const Key key : merged(found, query, plan.splits())) {
            lists.distances.push_back(distance_of(key));
            lists.indices.push_back(index_of(key));
        }
        lists.offsets.push_back(static_cast<std::int64_t>(lists.indices.size()));
    }
    return lists;
}

}  // namespace splinecode

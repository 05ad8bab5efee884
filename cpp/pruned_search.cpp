#include <algorithm>
#include <bit>
#include <limits>
#include <mutex>
#include <numeric>
#include <utility>

#include "nearest.hpp"
#include "pruned_index.hpp"
#include "pruning.hpp"
#include "scan.hpp"

namespace splinecode {
namespace {

constexpr std::size_t first_tile_rows = 128;
/// Codes, at least, that a query's first limit is taken from.
constexpr std::int64_t least_seed_rows = 64;
constexpr std::int64_t no_row = -1;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The queries of a search, in the index's order of bits, sorted so that a block is alike.
struct SortedQueries {
    std::vector<std::uint64_t> storage;  // unless the queries are the index's own codes
    CodeRows codes;
    std::vector<std::int64_t> original;
    std::vector<std::int32_t> constant_distance;
    std::vector<std::uint16_t> cluster;
};

}  // namespace

/// One search through an index. A Sink holds what a block of queries found: limit(lane), below
/// which distances matter, and hit(lane, row, distance).
class PrunedSearch {
public:
    PrunedSearch(const PrunedIndex& index, const CodeRows* queries, const Interrupt& interrupt)
        : index_(index), queries_(sorted(index, queries, interrupt)) {
        const std::int64_t n = queries_.codes.rows;
        // Narrower blocks if there would be too few to feed the threads.
        const std::int64_t wanted = ceil_div(n, 4 * threads());
        block_ = std::clamp<std::int64_t>(ceil_div(wanted, 32) * 32, 32, lookup::block);
        stats_.pairs = n * index.rows();
        stats_.constant_bits = index.order_.constant_bits();
    }

    /// Calls make(first, count) for each block of the sorted queries, which gives its sink, and
    /// then done(sink).
    template <class Make, class Done>
    SearchStats run(const Make& make, const Done& done, const Interrupt& interrupt) {
        const std::int64_t n = queries_.codes.rows;
        const auto search = [&](std::int64_t i) {
            const std::int64_t begin = i * block_;
            const std::int64_t end = std::min(n, begin + block_);
            auto sink = make(begin, end - begin);
            search_block(begin, end, sink);
            done(sink);
        };
        const double words = static_cast<double>(n) * static_cast<double>(index_.rows()) *
                             static_cast<double>(index_.order_.words());
        parallel_for(ceil_div(n, block_), 0.01 * words, search, interrupt);
        return stats_;
    }

    const SortedQueries& queries() const { return queries_; }

    /// For each query of a block a distance below which all its k nearest lie (or
    /// Nearest::open_limit), from the codes that stand about where it would: a search can start
    /// with it. With exclude_self the query's own row is none of them.
    std::vector<std::int64_t> first_limits(std::int64_t begin, std::int64_t count, std::size_t k,
                                           bool exclude_self) const {
        std::vector<std::int64_t> limits;
        for (std::int64_t query = begin; query < begin + count; ++query) {
            const auto at = static_cast<std::size_t>(query);
            limits.push_back(first_limit(query, k, exclude_self ? queries_.original[at] : no_row) +
                             queries_.constant_distance[at]);
        }
        return limits;
    }
    /// Modelled time of what was done and of brute force, in nanoseconds.
    double spent_ns() const { return spent_ns_; }
    double brute_ns() const {
        return static_cast<double>(ceil_div(queries_.codes.rows, block_)) *
               lookup_ns(static_cast<std::size_t>(index_.rows()), lookup_chunks(index_.words()));
    }

private:
    /// What a thread keeps while it searches a block.
    struct Block {
        Block(const PrunedIndex& index, const CodeRows& queries, std::int64_t first,
              std::int64_t end)
            : lookup(queries, first, end),
              to_centers(tables, lookup, index.centers_.rows(), index.head_chunks_),
              begin(first) {}

        LookupTables tables;
        LookupBlock lookup;
        ToCenters to_centers;
        Limits<std::uint16_t> limits;
        /// The codes of the index that are compared together.
        std::vector<std::uint32_t> ids;
        SearchStats stats;
        std::int64_t begin;
        std::int64_t rows_compared = 0;
        double spent_ns = 0;
    };

    std::int64_t first_limit(std::int64_t query, std::size_t k, std::int64_t left_out) const {
        const auto wanted =
            std::max<std::int64_t>(least_seed_rows, 4 * static_cast<std::int64_t>(k));
        const PrunedIndex::Cluster& cluster =
            index_.clusters_[queries_.cluster[static_cast<std::size_t>(query)]];
        const std::int64_t more = std::max<std::int64_t>(0, wanted - (cluster.end - cluster.begin));
        const std::int64_t begin = std::max<std::int64_t>(0, cluster.begin - more / 2);
        const std::int64_t end = std::min({index_.rows(), cluster.end + more, begin + 2 * wanted});
        const CodeRows codes = index_.codes();
        std::vector<std::int32_t> distances;
        for (std::int64_t code = begin; code < end; ++code) {
            if (index_.original_[static_cast<std::size_t>(code)] != left_out) {
                distances.push_back(
                    kernels().hamming_distance(queries_.codes.row(query), codes.row(code),
                                               static_cast<std::size_t>(codes.words)));
            }
        }
        if (distances.size() < k) {
            return Nearest::open_limit;
        }
        const auto kth = distances.begin() + static_cast<std::ptrdiff_t>(k) - 1;
        std::nth_element(distances.begin(), kth, distances.end());
        return std::int64_t{*kth} + 1;
    }

    static SortedQueries sorted(const PrunedIndex& index, const CodeRows* queries,
                                const Interrupt& interrupt) {
        SortedQueries out;
        if (!queries) {
            out.codes = index.codes();
            out.original = index.original_;
            out.constant_distance.assign(out.original.size(), 0);
            out.cluster = index.cluster_;
            return out;
        }
        const std::int64_t words = index.order_.words();
        std::vector<std::uint64_t> unsorted(static_cast<std::size_t>(queries->rows * words));
        index.order_.apply(*queries, unsorted.data(), interrupt);
        const CodeRows rows{unsorted.data(), queries->rows, words, words};
        const Assignment assignment = index.centers_.assign(rows, 0, interrupt);
        out.original = assignment.sorted();
        for (const std::int64_t query : out.original) {
            out.storage.insert(out.storage.end(), rows.row(query), rows.row(query) + words);
            out.constant_distance.push_back(index.order_.constant_distance(queries->row(query)));
            out.cluster.push_back(assignment.cluster[static_cast<std::size_t>(query)]);
        }
        out.codes = {out.storage.data(), queries->rows, words, words};
        return out;
    }

    template <class Sink>
    void search_block(std::int64_t begin, std::int64_t end, Sink& sink) {
        Block block(index_, queries_.codes, begin, end);
        // A first small tile of the nearest codes brings the limits down.
        std::size_t tile_rows = first_tile_rows;
        set_limits(block, sink);
        for (const std::size_t i : clusters_by_bound(block)) {
            const PrunedIndex::Cluster wanted = wanted_codes(block, i);
            for (std::int64_t code = wanted.begin; code < wanted.end; ++code) {
                block.ids.push_back(static_cast<std::uint32_t>(code));
                if (block.ids.size() == tile_rows) {
                    compare(block, sink);
                    tile_rows = static_cast<std::size_t>(LookupTables::tile_rows());
                }
            }
        }
        compare(block, sink);
        const std::int64_t skipped = index_.rows() - block.rows_compared;
        const std::lock_guard lock(mutex_);
        stats_.bounded_pairs += skipped * static_cast<std::int64_t>(block.lookup.queries());
        stats_.distances += block.stats.distances;
        stats_.words += block.stats.words;
        spent_ns_ += block.spent_ns;
    }

    /// The clusters that hold codes, those that may hold near ones first: limits then fall early.
    std::vector<std::size_t> clusters_by_bound(const Block& block) const {
        std::vector<std::int64_t> sums(index_.clusters_.size());
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const PrunedIndex::Cluster& cluster = index_.clusters_[i];
            if (cluster.begin == cluster.end) {
                continue;
            }
            order.push_back(i);
            const std::int32_t nearest = index_.distance_[static_cast<std::size_t>(cluster.begin)];
            const std::int32_t farthest =
                index_.distance_[static_cast<std::size_t>(cluster.end) - 1];
            for (std::size_t lane = 0; lane < block.lookup.queries(); ++lane) {
                const std::int32_t query = block.to_centers.of(i)[lane];
                sums[i] += std::max({query - farthest, nearest - query, 0});
            }
        }
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return std::pair(sums[a], a) < std::pair(sums[b], b);
        });
        return order;
    }

    std::int64_t limit(const Block& block, const auto& sink, std::size_t lane) const {
        const auto query = static_cast<std::size_t>(block.begin) + lane;
        return sink.limit(lane) - queries_.constant_distance[query];
    }

    void set_limits(Block& block, const auto& sink) const {
        for (std::size_t lane = 0; lane < block.lookup.queries(); ++lane) {
            block.limits.set(lane, limit(block, sink, lane));
        }
    }

    /// The codes of a cluster that some query may be near to: |d(query, centre) - d(code, centre)|
    /// must be below its limit. They follow one another, being sorted by distance.
    PrunedIndex::Cluster wanted_codes(const Block& block, std::size_t cluster) const {
        const std::uint16_t* const queries = block.to_centers.of(cluster);
        std::int32_t nearest = std::numeric_limits<std::int32_t>::max();
        std::int32_t farthest = -1;
        for (std::size_t lane = 0; lane < block.lookup.queries(); ++lane) {
            const std::int32_t limit = block.limits.below[lane];
            const std::int32_t query = queries[lane];
            nearest = std::min(nearest, limit > 0 ? query - limit + 1 : nearest);
            farthest = std::max(farthest, limit > 0 ? query + limit - 1 : farthest);
        }
        const auto begin = index_.distance_.begin() + index_.clusters_[cluster].begin;
        const auto end = index_.distance_.begin() + index_.clusters_[cluster].end;
        return {std::lower_bound(begin, end, nearest) - index_.distance_.begin(),
                std::upper_bound(begin, end, farthest) - index_.distance_.begin()};
    }

    /// Compares the gathered codes.
    template <class Sink>
    void compare(Block& block, Sink& sink) {
        checkpoint();
        block.rows_compared += static_cast<std::int64_t>(block.ids.size());
        const Staged staged{index_.codes(), index_.head_chunks_, index_.cluster_, index_.rest_};
        compare_in_stages(
            staged, block.tables, block.lookup, block.to_centers, block.limits, block.ids,
            [&](const auto& sums) { take(block, sums, sink); },
            [&](const Alive& alive) { finish_pairs(block, alive, sink); },
            [&](std::size_t rows, std::size_t chunks) { count_work(block, rows, chunks); });
        block.ids.clear();
    }

    /// Offers the whole distances of a tile.
    template <class Sink>
    void take(Block& block, const DistanceTile<std::uint16_t>& sums, Sink& sink) {
        block.stats.distances += static_cast<std::int64_t>(sums.rows * sums.queries);
        for_each_below(sums, block.limits,
                       [&](std::size_t row, std::size_t lane, std::int32_t distance) {
                           offer(block, block.ids[row], lane, distance, sink);
                       });
    }

    /// Compares what is left of a tile pair by pair.
    template <class Sink>
    void finish_pairs(Block& block, const Alive& alive, Sink& sink) {
        const CodeRows codes = index_.codes();
        const Kernels& kernel = kernels();
        for_each_pair(alive, [&](std::uint32_t row, std::size_t lane) {
            const std::uint32_t id = block.ids[row];
            const std::int32_t distance = kernel.hamming_distance(
                queries_.codes.row(block.begin + static_cast<std::int64_t>(lane)), codes.row(id),
                static_cast<std::size_t>(codes.words));
            if (distance < block.limits.below[lane]) {
                offer(block, id, lane, distance, sink);
            }
        });
        block.stats.distances += static_cast<std::int64_t>(alive.pairs);
        block.stats.words += static_cast<std::int64_t>(alive.pairs) * codes.words;
        block.spent_ns += pairs_ns(alive.pairs, codes.words);
    }

    template <class Sink>
    void offer(Block& block, std::uint32_t id, std::size_t lane, std::int32_t distance,
               Sink& sink) {
        const auto query = static_cast<std::size_t>(block.begin) + lane;
        sink.hit(lane, index_.original_[id], distance + queries_.constant_distance[query]);
        block.limits.set(lane, limit(block, sink, lane));
    }

    void count_work(Block& block, std::size_t rows, std::size_t chunks) const {
        const auto pairs = static_cast<std::int64_t>(rows * block.lookup.queries());
        block.stats.words += pairs * static_cast<std::int64_t>(chunks * lookup::chunk_bits) / 64;
        block.spent_ns += lookup_ns(rows, chunks);
    }

    const PrunedIndex& index_;
    SortedQueries queries_;
    std::int64_t block_;
    std::mutex mutex_;
    SearchStats stats_;
    double spent_ns_ = 0;
};

namespace {

/// The sink of top_k: the nearest of each query of a block.
struct NearestSink {
    const std::int64_t* original;  // the queries' rows, to leave themselves out; or null
    std::int64_t begin;
    std::vector<Nearest> nearest;
    std::vector<std::int64_t> first_limits;

    std::int64_t limit(std::size_t lane) const {
        return std::min(nearest[lane].limit(), first_limits[lane]);
    }
    void hit(std::size_t lane, std::int64_t row, std::int32_t distance) {
        if (!original || original[lane] != row) {
            nearest[lane].add(make_key(distance, row));
        }
    }
};

/// The sink of within_radius: all keys of each query of a block, straight to where they are kept.
struct ListSink {
    std::int64_t below;
    const std::int64_t* original;
    bool exclude_self;
    std::vector<std::vector<NeighborKey>>& found;  // by the queries' rows

    std::int64_t limit(std::size_t) const { return below; }
    void hit(std::size_t lane, std::int64_t row, std::int32_t distance) {
        if (!exclude_self || original[lane] != row) {
            found[static_cast<std::size_t>(original[lane])].push_back(make_key(distance, row));
        }
    }
};

struct CountSink {
    std::int64_t below;
    const std::int64_t* original;
    bool exclude_self;
    std::int64_t* counts;

    std::int64_t limit(std::size_t) const { return below; }
    void hit(std::size_t lane, std::int64_t row, std::int32_t) {
        counts[original[lane]] += !exclude_self || original[lane] != row ? 1 : 0;
    }
};

/// Evenly spaced rows, copied.
std::vector<std::uint64_t> sample_of(const CodeRows& codes, std::int64_t n) {
    std::vector<std::uint64_t> words;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::uint64_t* const row = codes.row(i * codes.rows / n);
        words.insert(words.end(), row, row + codes.words);
    }
    return words;
}

/// Runs search(PrunedSearch&) on a sample and gives its share of brute force's modelled time.
template <class Run>
double share_on_sample(const CodeRows& queries, const CodeRows& database, const Run& run,
                       const Interrupt& interrupt) {
    const std::int64_t n_rows = std::min<std::int64_t>(database.rows, 4096);
    const std::int64_t n_queries = std::min<std::int64_t>(queries.rows, 256);
    const std::vector<std::uint64_t> rows = sample_of(database, n_rows);
    const std::vector<std::uint64_t> some = sample_of(queries, n_queries);
    const PrunedIndex index({rows.data(), n_rows, database.words, database.words}, interrupt);
    const CodeRows sampled{some.data(), n_queries, queries.words, queries.words};
    PrunedSearch search(index, &sampled, interrupt);
    run(search, n_rows);
    return search.spent_ns() / search.brute_ns();
}

}  // namespace

SearchStats PrunedIndex::top_k(const CodeRows* queries, std::int64_t k, bool exclude_self,
                               std::int32_t* distances, std::int64_t* indices,
                               const Interrupt& interrupt) const {
    PrunedSearch search(*this, queries, interrupt);
    const std::int64_t* const original = search.queries().original.data();
    const auto make = [&](std::int64_t begin, std::int64_t count) {
        const auto least = static_cast<std::size_t>(k);
        return NearestSink{exclude_self ? original + begin : nullptr, begin,
                           std::vector<Nearest>(static_cast<std::size_t>(count),
                                                Nearest(least, Nearest::Order::any)),
                           search.first_limits(begin, count, least, exclude_self)};
    };
    const auto write = [&](const NearestSink& sink) {
        for (std::size_t lane = 0; lane < sink.nearest.size(); ++lane) {
            std::vector<NeighborKey> keys = sink.nearest[lane].keys();
            const auto end = keys.begin() + static_cast<std::ptrdiff_t>(k);
            std::partial_sort(keys.begin(), end, keys.end());
            const std::int64_t row = original[sink.begin + static_cast<std::int64_t>(lane)];
            std::transform(keys.begin(), end, distances + row * k, distance_of);
            std::transform(keys.begin(), end, indices + row * k, index_of);
        }
    };
    return k == 0 ? SearchStats{} : search.run(make, write, interrupt);
}

SearchStats PrunedIndex::count_within(const CodeRows* queries, std::int32_t radius,
                                      bool exclude_self, std::int64_t* counts,
                                      const Interrupt& interrupt) const {
    PrunedSearch search(*this, queries, interrupt);
    const std::vector<std::int64_t>& original = search.queries().original;
    std::fill_n(counts, original.size(), std::int64_t{0});
    const auto make = [&](std::int64_t begin, std::int64_t) {
        return CountSink{std::int64_t{radius} + 1, original.data() + begin, exclude_self, counts};
    };
    return search.run(make, [](const CountSink&) {}, interrupt);
}

SearchStats PrunedIndex::within_radius(const CodeRows* queries, std::int32_t radius,
                                       bool exclude_self, NeighborLists& lists,
                                       const Interrupt& interrupt) const {
    PrunedSearch search(*this, queries, interrupt);
    const std::vector<std::int64_t>& original = search.queries().original;
    std::vector<std::vector<NeighborKey>> found(original.size());
    const auto make = [&](std::int64_t begin, std::int64_t) {
        return ListSink{std::int64_t{radius} + 1, original.data() + begin, exclude_self, found};
    };
    const SearchStats stats = search.run(make, [](const ListSink&) {}, interrupt);
    for (std::vector<NeighborKey>& keys : found) {
        std::sort(keys.begin(), keys.end());
    }
    lists.append(found);
    return stats;
}

double sampled_share(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                     const Interrupt& interrupt) {
    const auto run = [&](PrunedSearch& search, std::int64_t rows) {
        // The k-th distance of the whole is about that of this rank in the sample.
        const auto rank = static_cast<std::size_t>(
            std::max<std::int64_t>(1, k * rows / std::max<std::int64_t>(1, database.rows)));
        const auto make = [&](std::int64_t begin, std::int64_t count) {
            return NearestSink{nullptr, begin,
                               std::vector<Nearest>(static_cast<std::size_t>(count),
                                                    Nearest(rank, Nearest::Order::any)),
                               search.first_limits(begin, count, rank, false)};
        };
        search.run(make, [](const NearestSink&) {}, interrupt);
    };
    return share_on_sample(queries, database, run, interrupt);
}

double sampled_radius_share(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                            const Interrupt& interrupt) {
    const auto run = [&](PrunedSearch& search, std::int64_t) {
        std::vector<std::int64_t> counts(search.queries().original.size());
        const auto make = [&](std::int64_t begin, std::int64_t) {
            return CountSink{std::int64_t{radius} + 1, search.queries().original.data() + begin,
                             false, counts.data()};
        };
        search.run(make, [](const CountSink&) {}, interrupt);
    };
    return share_on_sample(queries, database, run, interrupt);
}

}  // namespace splinecode

#include "component_search.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "lookup.hpp"
#include "pruning.hpp"
#include "sorted_points.hpp"

namespace splinecode {
namespace {

/// Points between those of a first search, whose edges lower the limits of the next: 1/256 and then
/// 1/16 of the pairs.
constexpr std::int64_t strides[] = {16, 4, 1};
constexpr double ns_per_word = 0.05;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Adds a component unless it was the last one added.
void add_component(std::vector<std::int64_t>& components, std::int64_t component) {
    if (components.empty() || components.back() != component) {
        components.push_back(component);
    }
}

/// Points as queries, and the rows that they are compared with next: what a thread works on.
struct Block {
    explicit Block(const CodeRows& gathered) : queries(gathered) {
        if (64 * queries.words <= static_cast<std::int64_t>(lookup::most_bits)) {
            narrow = std::make_unique<LookupBlock>(queries, 0, queries.rows);
        }
    }

    CodeRows queries;
    std::unique_ptr<LookupBlock> narrow;
    std::vector<std::uint32_t> points;     // of the lanes
    std::vector<std::int64_t> components;  // of the lanes, each once
    std::vector<std::size_t> place;        // of a lane's component among them
    std::int32_t least_reach = INT32_MAX;

    LookupTables tables;
    ToCenters to_centers;
    /// The least and the highest distance of a lane to each centre.
    std::vector<std::int32_t> nearest, farthest;

    std::vector<std::uint32_t> rows;
    std::vector<std::int64_t> row_components;  // each once
    std::vector<std::int32_t> highest;
};

class Search {
public:
    Search(const Points& points, const Partition& partition, const std::vector<std::int32_t>& reach,
           EdgeKeeper& keeper, const Interrupt& interrupt)
        : points_(points),
          components_(partition.count),
          keeper_(keeper),
          interrupt_(interrupt),
          sorted_(points.codes, partition, reach, interrupt) {}

    void run() const {
        for (const std::int64_t stride : strides) {
            const Sequence sequence = wanted_points(stride);
            const auto n = static_cast<std::int64_t>(sequence.size());
            const auto width = static_cast<std::int64_t>(lookup::block);
            const auto body = [&](std::int64_t i) {
                // Points before the block have met it as queries.
                search_block(sequence, static_cast<std::size_t>(i * width),
                             static_cast<std::size_t>(std::min(n, (i + 1) * width)));
            };
            const double words = static_cast<double>(n) * static_cast<double>(n) / 2 *
                                 static_cast<double>(sorted_.codes().words + 1);
            parallel_for(ceil_div(n, width), words * ns_per_word, body, interrupt_);
            keeper_.tighten();
        }
    }

private:
    /// Every `stride`-th point of each component, less those whose reach is beyond every limit.
    Sequence wanted_points(std::int64_t stride) const {
        std::vector<std::int64_t> all(static_cast<std::size_t>(components_));
        std::iota(all.begin(), all.end(), std::int64_t{0});
        std::vector<std::int32_t> limits;
        keeper_.highest_limits(all, all, limits);
        std::vector<std::int64_t> seen(all.size());
        Sequence wanted;
        for (std::size_t at = 0; at < sorted_.size(); ++at) {
            const auto own = static_cast<std::size_t>(sorted_.component(at));
            if (sorted_.reach(at) <= limits[own] && seen[own]++ % stride == 0) {
                wanted.add(static_cast<std::uint32_t>(at), sorted_.component(at));
            }
        }
        return wanted;
    }

    void search_block(const Sequence& sequence, std::size_t begin, std::size_t end) const {
        const std::vector<std::uint64_t> words = gathered(sequence, begin, end);
        Block block = block_of(sequence, begin, end, words);
        const std::vector<Sequence::Run>& runs = sequence.runs();
        const std::size_t after_own = sequence.run_of(end - 1) + 1;
        for (std::size_t run = sequence.run_of(begin); run < runs.size();) {
            // Runs of about a tile. Lanes of the last own component, which may go on for long, are
            // closed in a tile of it alone.
            const std::size_t last = run < after_own ? after_own : runs.size();
            std::size_t stop = run + 1;
            while (stop < last && static_cast<std::int64_t>(runs[stop].end - runs[run].begin) <
                                      LookupTables::tile_rows()) {
                ++stop;
            }
            add_rows(block, sequence, begin, run, stop);
            if (stop == after_own) {
                compare(block);
            }
            run = stop;
        }
        compare(block);
    }

    std::vector<std::uint64_t> gathered(const Sequence& sequence, std::size_t begin,
                                        std::size_t end) const {
        std::vector<std::uint64_t> words;
        for (std::size_t at = begin; at < end; ++at) {
            const std::uint64_t* const code = sorted_.codes().row(sequence.point(at));
            words.insert(words.end(), code, code + sorted_.codes().words);
        }
        return words;
    }

    Block block_of(const Sequence& sequence, std::size_t begin, std::size_t end,
                   const std::vector<std::uint64_t>& words) const {
        const std::int64_t width = sorted_.codes().words;
        Block block({words.data(), static_cast<std::int64_t>(end - begin), width, width});
        for (std::size_t at = begin; at < end; ++at) {
            const std::uint32_t point = sequence.point(at);
            block.points.push_back(point);
            add_component(block.components, sorted_.component(point));
            block.place.push_back(block.components.size() - 1);
            block.least_reach = std::min(block.least_reach, sorted_.reach(point));
        }
        measure_centers(block);
        return block;
    }

    void measure_centers(Block& block) const {
        if (!block.narrow) {
            return;
        }
        const CodeRows centers = sorted_.centers();
        block.to_centers =
            ToCenters(block.tables, *block.narrow, centers, SortedPoints::head_chunks);
        for (std::int64_t i = 0; i < centers.rows; ++i) {
            const std::uint16_t* const distances = block.to_centers.of(static_cast<std::size_t>(i));
            const auto [least, most] =
                std::minmax_element(distances, distances + block.narrow->queries());
            block.nearest.push_back(*least);
            block.farthest.push_back(*most);
        }
    }

    /// Whether the triangle inequality through its centre lets a row be within `limit` of a lane.
    bool may_be_within(const Block& block, std::size_t row, std::int64_t limit) const {
        if (block.nearest.empty()) {
            return true;
        }
        const std::size_t cluster = sorted_.alike().cluster[row];
        const std::int64_t distance = sorted_.alike().distance[row];
        return distance + limit >= block.nearest[cluster] &&
               distance - limit <= block.farthest[cluster];
    }

    /// Adds the points of runs [run, stop) from `begin` on that a lane can want, and compares the
    /// lanes with them whenever they fill a tile.
    void add_rows(Block& block, const Sequence& sequence, std::size_t begin, std::size_t run,
                  std::size_t stop) const {
        std::vector<std::int64_t> components;
        for (std::size_t i = run; i < stop; ++i) {
            components.push_back(sequence.runs()[i].component);
        }
        std::vector<std::int32_t> limits;
        keeper_.highest_limits(components, block.components, limits);
        for (std::size_t i = run; i < stop; ++i) {
            const std::int32_t limit = limits[i - run];
            if (limit < block.least_reach) {
                continue;
            }
            const Sequence::Run& its = sequence.runs()[i];
            for (std::size_t at = std::max(begin, its.begin); at < its.end; ++at) {
                const std::uint32_t point = sequence.point(at);
                if (sorted_.reach(point) <= limit && may_be_within(block, point, limit)) {
                    block.rows.push_back(point);
                    add_component(block.row_components, its.component);
                    if (static_cast<std::int64_t>(block.rows.size()) == LookupTables::tile_rows()) {
                        compare(block);
                    }
                }
            }
        }
    }

    void compare(Block& block) const {
        checkpoint();
        if (!block.rows.empty()) {
            if (block.narrow) {
                compare_narrow(block);
            } else {
                compare_wide(block);
            }
        }
        block.rows.clear();
        block.row_components.clear();
    }

    /// Sets the limit of each lane to the highest that the rows' components allow it. Whether any
    /// lane is left.
    template <class Distance>
    bool set_limits(Block& block, Limits<Distance>& limits) const {
        keeper_.highest_limits(block.components, block.row_components, block.highest);
        bool any = false;
        for (std::size_t lane = 0; lane < block.points.size(); ++lane) {
            const std::int32_t limit = block.highest[block.place[lane]];
            const bool open = sorted_.reach(block.points[lane]) <= limit;
            limits.set(lane, open ? std::int64_t{limit} + 1 : 0);
            any = any || open;
        }
        return any;
    }

    /// Compares the lanes with the rows, first by the most variable bits, dropping rows that are
    /// beyond the limit of every lane.
    void compare_narrow(Block& block) const {
        Limits<std::uint16_t> limits;
        if (!set_limits(block, limits)) {
            return;
        }
        const Staged staged{sorted_.codes(), SortedPoints::head_chunks, sorted_.alike().cluster,
                            sorted_.alike().rest};
        compare_in_stages(
            staged, block.tables, *block.narrow, block.to_centers, limits, block.rows,
            [&](const auto& sums) { take(block, sums, limits); },
            [&](const Alive& alive) { finish_pairs(block, alive, limits); },
            [](std::size_t, std::size_t) {});
    }

    void compare_wide(Block& block) const {
        Limits<std::int32_t> limits;
        if (!set_limits(block, limits)) {
            return;
        }
        const CodeRows& codes = sorted_.codes();
        std::vector<std::uint64_t> words;
        for (const std::uint32_t row : block.rows) {
            words.insert(words.end(), codes.row(row), codes.row(row) + codes.words);
        }
        const auto n = static_cast<std::int64_t>(block.rows.size());
        const WideBlock wide(block.queries, 0, block.queries.rows);
        wide.for_each_tile(
            {words.data(), n, codes.words, codes.words}, 0, n, [&](const auto& tile) {
                if constexpr (std::is_same_v<decltype(tile), const DistanceTile<std::int32_t>&>) {
                    take(block, tile, limits);
                }
            });
    }

    template <class Distance>
    void take(Block& block, const DistanceTile<Distance>& tile, Limits<Distance>& limits) const {
        for_each_below(tile, limits, [&](std::size_t row, std::size_t lane, std::int32_t distance) {
            offer(block, lane, block.rows[row], distance, limits);
        });
    }

    void finish_pairs(Block& block, const Alive& alive, Limits<std::uint16_t>& limits) const {
        const CodeRows& codes = sorted_.codes();
        const Kernels& kernel = kernels();
        for_each_pair(alive, [&](std::uint32_t i, std::size_t lane) {
            const std::uint32_t row = block.rows[i];
            if (wanted(block.points[lane], row)) {
                offer(block, lane, row,
                      kernel.hamming_distance(codes.row(block.points[lane]), codes.row(row),
                                              static_cast<std::size_t>(codes.words)),
                      limits);
            }
        });
    }

    /// Whether an edge between two points can be wanted, by components and reach alone.
    bool wanted(std::uint32_t i, std::uint32_t j) const {
        return sorted_.component(i) != sorted_.component(j) &&
               std::max(sorted_.reach(i), sorted_.reach(j)) <=
                   keeper_.limit(sorted_.component(i), sorted_.component(j));
    }

    /// Offers an edge if it is wanted, and lowers the lanes' limits if it changed any.
    template <class Distance>
    void offer(Block& block, std::size_t lane, std::uint32_t row, std::int32_t distance,
               Limits<Distance>& limits) const {
        const std::uint32_t query = block.points[lane];
        if (!wanted(query, row)) {
            return;
        }
        const std::int32_t limit = keeper_.limit(sorted_.component(query), sorted_.component(row));
        const Edge edge = points_.edge(sorted_.original(query), sorted_.original(row), distance);
        if (edge.weight <= limit) {
            keeper_.offer(sorted_.component(query), sorted_.component(row), edge);
            if (edge.weight < limit) {
                set_limits(block, limits);
            }
        }
    }

    const Points& points_;
    std::int64_t components_;
    EdgeKeeper& keeper_;
    const Interrupt& interrupt_;
    SortedPoints sorted_;
};

}  // namespace

Edge Points::edge(std::int64_t i, std::int64_t j, std::int32_t distance) const {
    return {std::max({core[i], core[j], distance}), distance, std::min(i, j), std::max(i, j)};
}

void search_between(const Points& points, const Partition& partition,
                    const std::vector<std::int32_t>& reach, EdgeKeeper& keeper,
                    const Interrupt& interrupt) {
    Search(points, partition, reach, keeper, interrupt).run();
}

}  // namespace splinecode

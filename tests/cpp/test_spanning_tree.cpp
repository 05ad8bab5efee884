#include "spanning_tree.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "check.hpp"
#include "component_search.hpp"
#include "levels.hpp"

using namespace splinecode;

namespace {

using Cores = std::vector<std::int32_t>;
using Words = std::vector<std::uint64_t>;

CodeRows view(const Words& words, std::int64_t width) {
    return {words.data(), static_cast<std::int64_t>(words.size()) / width, width, width};
}

/// Codes in `groups` well-separated groups; few bits vary within one, so distances tie and codes
/// repeat.
Words grouped_words(std::int64_t rows, std::int64_t width, std::int64_t groups,
                    std::uint64_t seed) {
    const Words centers = random_words(static_cast<std::size_t>(groups * width), seed);
    Words out = random_words(static_cast<std::size_t>(rows * width), seed + 1);
    for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t w = 0; w < width; ++w) {
            std::uint64_t& word = out[static_cast<std::size_t>(i * width + w)];
            word = (word & 0x11) ^ centers[static_cast<std::size_t>(i % groups * width + w)];
        }
    }
    return out;
}

std::int32_t distance(const CodeRows& codes, std::int64_t i, std::int64_t j) {
    std::int32_t sum = 0;
    for (std::int64_t w = 0; w < codes.words; ++w) {
        sum += std::popcount(codes.row(i)[w] ^ codes.row(j)[w]);
    }
    return sum;
}

/// Kruskal's algorithm: the edges that join points of different labels.
std::vector<Edge> kruskal(std::vector<Edge> edges, std::vector<std::int64_t> label) {
    std::sort(edges.begin(), edges.end());
    std::vector<Edge> tree;
    for (const Edge& edge : edges) {
        const std::int64_t a = label[static_cast<std::size_t>(edge.low)];
        const std::int64_t b = label[static_cast<std::size_t>(edge.high)];
        if (a != b) {
            std::replace(label.begin(), label.end(), a, b);
            tree.push_back(edge);
        }
    }
    return tree;
}

std::vector<Edge> all_edges(const CodeRows& codes, const Cores& core) {
    std::vector<Edge> edges;
    const Points points{codes, core.data()};
    for (std::int64_t i = 0; i < codes.rows; ++i) {
        for (std::int64_t j = 0; j < i; ++j) {
            edges.push_back(points.edge(i, j, distance(codes, i, j)));
        }
    }
    return edges;
}

std::vector<Edge> obvious_tree(const CodeRows& codes, const Cores& core) {
    std::vector<std::int64_t> label(static_cast<std::size_t>(codes.rows));
    std::iota(label.begin(), label.end(), 0);
    return kruskal(all_edges(codes, core), label);
}

/// The tree from lists of k neighbours; the cores are the distances of the `core_k`-th, 0 for none.
std::vector<Edge> tree(const CodeRows& codes, std::int64_t k, const Cores& core) {
    std::vector<std::int32_t> distances(static_cast<std::size_t>(codes.rows * k));
    std::vector<std::int64_t> indices(distances.size());
    top_k(codes, codes, k, true, distances.data(), indices.data(), {});
    return spanning_tree(codes, core.data(), {distances.data(), indices.data(), k}, {});
}

Cores cores(const CodeRows& codes, std::int64_t core_k) {
    Cores core(static_cast<std::size_t>(codes.rows));
    for (std::int64_t i = 0; core_k > 0 && i < codes.rows; ++i) {
        std::vector<std::int32_t> all;
        for (std::int64_t j = 0; j < codes.rows; ++j) {
            if (j != i) {
                all.push_back(distance(codes, i, j));
            }
        }
        std::sort(all.begin(), all.end());
        core[static_cast<std::size_t>(i)] = all[static_cast<std::size_t>(core_k - 1)];
    }
    return core;
}

}  // namespace

TEST(spanning_tree_is_kruskals_whatever_the_lists_hold) {
    at_every_level([] {
        for (const std::int64_t groups : {1, 3, 20}) {
            for (const std::int64_t width : {1, 3}) {
                const Words words = grouped_words(150, width, groups, 7);
                const CodeRows codes = view(words, width);
                for (const std::int64_t core_k : {0, 1, 6}) {
                    const Cores core = cores(codes, core_k);
                    const std::vector<Edge> wanted = obvious_tree(codes, core);
                    for (const std::int64_t k : {0, 1, 2, 6, 149}) {
                        CHECK(tree(codes, k, core) == wanted);
                    }
                }
            }
        }
    });
}

TEST(spanning_tree_of_codes_wider_than_16_bit_distances) {
    at_every_level([] {
        const std::int64_t width = 1030;
        const Words words = grouped_words(60, width, 20, 17);
        const CodeRows codes = view(words, width);
        for (const std::int64_t core_k : {0, 2}) {
            const Cores core = cores(codes, core_k);
            const std::vector<Edge> wanted = obvious_tree(codes, core);
            for (const std::int64_t k : {0, 2}) {
                CHECK(tree(codes, k, core) == wanted);
            }
        }
    });
}

TEST(spanning_tree_of_more_points_than_blocks_and_tiles_hold) {
    at_every_level([] {
        for (const std::int64_t groups : {2, 9, 400}) {
            const Words words = grouped_words(900, 16, groups, 19);
            const CodeRows codes = view(words, 16);
            const Cores core(900);
            const std::vector<Edge> wanted = obvious_tree(codes, core);
            CHECK(tree(codes, 0, core) == wanted);
            CHECK(tree(codes, 3, core) == wanted);
        }
    });
}

TEST(spanning_trees_of_few_or_equal_codes) {
    const Words words{5, 6, 6, 6, 6};
    for (const std::int64_t rows : {0, 1, 2, 5}) {
        const CodeRows codes{words.data(), rows, 1, 1};
        const Cores core(5);
        CHECK(tree(codes, std::min<std::int64_t>(rows, 2) / 2, core) == obvious_tree(codes, core));
    }
    const CodeRows equal{words.data() + 1, 4, 1, 1};
    const std::vector<Edge> star{{0, 0, 0, 1}, {0, 0, 0, 2}, {0, 0, 0, 3}};
    CHECK(tree(equal, 1, Cores(4)) == star);
    CHECK_EQ(tree({nullptr, 3, 0, 0}, 0, Cores(3)).size(), 2u);
}

TEST(spanning_tree_does_not_depend_on_threads) {
    const Words words = grouped_words(2000, 2, 40, 9);
    const CodeRows codes = view(words, 2);
    const Cores core = cores(codes, 4);
    std::vector<std::vector<Edge>> results;
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        results.push_back(tree(codes, 5, core));
    }
    set_threads(0);
    CHECK(results[0] == results[1] && results[1] == results[2]);
    CHECK(results[0] == obvious_tree(codes, core));
}

TEST(searches_find_the_edges_that_join_components) {
    for (const std::int64_t groups : {2, 12, 60}) {
        const Words words = grouped_words(300, 1, groups, 11);
        const CodeRows codes = view(words, 1);
        const Cores core = cores(codes, 3);
        const Points points{codes, core.data()};
        Partition partition{std::vector<std::int64_t>(300), groups};
        for (std::size_t i = 0; i < 300; ++i) {
            partition.component[i] = static_cast<std::int64_t>(i) % groups;
        }
        LeastOfPairs pairs(groups);
        LeastOfComponents nearest(partition);
        const Cores nothing_known(300);
        search_between(points, partition, nothing_known, pairs, {});
        search_between(points, partition, nothing_known, nearest, {});

        const std::vector<Edge> edges = all_edges(codes, core);
        CHECK(kruskal(pairs.edges(), partition.component) == kruskal(edges, partition.component));
        const std::vector<Edge> found = nearest.edges();
        // Component 0 is as large as the others, and the first: it is left out.
        for (std::int64_t c = 1; c < groups; ++c) {
            Edge least{INT32_MAX, 0, 0, 0};
            for (const Edge& edge : edges) {
                if ((edge.low % groups == c) != (edge.high % groups == c)) {
                    least = std::min(least, edge);
                }
            }
            CHECK(std::find(found.begin(), found.end(), least) != found.end());
        }
    }
}

TEST(highest_limits_are_those_of_all_other_components) {
    Partition partition{{0, 1, 2, 3, 3, 4}, 5};
    LeastOfPairs pairs(5);
    LeastOfComponents nearest(partition);
    const std::vector<EdgeKeeper*> keepers{&pairs, &nearest};
    for (std::int32_t i = 0; i < 5; ++i) {
        for (EdgeKeeper* keeper : keepers) {
            keeper->offer(i, (i + 1) % 5, {10 + 3 * i, 1, i, i + 1});
        }
        for (const std::vector<std::int64_t>& to :
             {std::vector<std::int64_t>{}, {2}, {3}, {0, 4}, {3, 1, 2}, {4, 3, 2, 1, 0}}) {
            for (const EdgeKeeper* keeper : keepers) {
                const std::vector<std::int64_t> of{0, 1, 2, 3, 4};
                std::vector<std::int32_t> limits;
                keeper->highest_limits(of, to, limits);
                for (std::size_t a = 0; a < of.size(); ++a) {
                    std::int32_t wanted = -1;
                    for (const std::int64_t b : to) {
                        wanted = b == of[a] ? wanted : std::max(wanted, keeper->limit(of[a], b));
                    }
                    CHECK_EQ(limits[a], wanted);
                }
            }
        }
    }
}

TEST(an_interrupt_ends_the_search) {
    const Words words = grouped_words(4000, 8, 50, 13);
    const CodeRows codes = view(words, 8);
    const Cores core(4000);
    int polls = 0;
    const auto stop = [&] { return ++polls > 0; };
    CHECK_THROWS(spanning_tree(codes, core.data(), {}, stop), Interrupted);
}

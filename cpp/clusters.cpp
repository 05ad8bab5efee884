#include "clusters.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "codes.hpp"
#include "hamming.hpp"
#include "units.hpp"

namespace splinecode {
namespace {

/// Members that the median of a cluster is taken of, on average.
constexpr std::int64_t median_rows = 16;

/// out = the majority of each bit among the rows; half counts as no.
void median_of(const CodeRows& codes, const std::vector<std::int64_t>& members,
               std::uint64_t* out) {
    std::vector<std::uint64_t> words;
    for (const std::int64_t row : members) {
        words.insert(words.end(), codes.row(row), codes.row(row) + codes.words);
    }
    const auto n = static_cast<std::int64_t>(members.size());
    std::vector<std::int64_t> counts(static_cast<std::size_t>(word_bits * codes.words));
    column_counts({words.data(), n, codes.words, codes.words}, {word_bits * codes.words},
                  counts.data(), {});
    std::fill_n(out, codes.words, std::uint64_t{0});
    for (std::int64_t bit = 0; bit < word_bits * codes.words; ++bit) {
        if (2 * counts[static_cast<std::size_t>(bit)] > n) {
            out[bit / word_bits] |= bit_in_word(bit);
        }
    }
}

/// Assigns the listed rows to centres of the block, the first of which is `first`, that are nearer
/// than those they have.
void take_nearest(LookupTables& tables, const LookupBlock& block, std::size_t first,
                  const CodeRows& codes, const RowList& list, std::size_t head_chunks,
                  Assignment& assignment) {
    const std::size_t chunks = lookup_chunks(codes.words);
    tables.add(block, codes, list, 0, std::min(head_chunks, chunks));
    const auto head = tables.sums(block, list.first, list.count);
    const std::vector<std::uint16_t> head_distances(head.distances, head.row(head.rows));
    if (head_chunks < chunks) {
        tables.add(block, codes, list, head_chunks, chunks);
    }
    const auto tile = tables.sums(block, list.first, list.count);
    for (std::size_t row = 0; row < tile.rows; ++row) {
        const auto at = static_cast<std::size_t>(list.first) + row;
        const std::uint16_t* const distances = tile.row(row);
        std::uint16_t least = assignment.distance[at];
        for (std::size_t i = 0; i < tile.queries; ++i) {
            least = std::min(least, distances[i]);
        }
        if (least < assignment.distance[at]) {
            const auto center = static_cast<std::size_t>(
                std::find(distances, distances + tile.queries, least) - distances);
            assignment.cluster[at] = static_cast<std::uint16_t>(first + center);
            assignment.distance[at] = least;
            assignment.rest[at] =
                static_cast<std::uint16_t>(least - head_distances[row * lookup::block + center]);
        }
    }
}

}  // namespace

std::vector<std::int64_t> Assignment::sorted() const {
    std::vector<std::int64_t> rows(cluster.size());
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    const auto key = [&](std::int64_t row) {
        const auto at = static_cast<std::size_t>(row);
        return std::tuple(cluster[at], distance[at], row);
    };
    std::sort(rows.begin(), rows.end(),
              [&](std::int64_t a, std::int64_t b) { return key(a) < key(b); });
    return rows;
}

Centers::Centers(const CodeRows& codes, std::int64_t count, const Interrupt& interrupt)
    : words_(codes.words), count_(count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint64_t* const row = codes.row(i * codes.rows / count);
        centers_.insert(centers_.end(), row, row + words_);
    }
    // A median needs no more than some members: evenly spaced rows stand for all.
    const std::int64_t spacing = std::max<std::int64_t>(1, codes.rows / (count * median_rows));
    const CodeRows sample{codes.data, codes.rows / spacing, codes.words, codes.stride * spacing};
    const Assignment first = assign(sample, 0, interrupt);
    std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(count));
    for (std::size_t row = 0; row < first.cluster.size(); ++row) {
        members[first.cluster[row]].push_back(static_cast<std::int64_t>(row));
    }
    const auto run = [&](std::int64_t i) {
        if (!members[static_cast<std::size_t>(i)].empty()) {
            median_of(sample, members[static_cast<std::size_t>(i)], centers_.data() + i * words_);
        }
    };
    parallel_for(count, 5.0 * static_cast<double>(sample.rows * words_), run, interrupt);
    chain(interrupt);
}

/// Orders the centres so that each is followed by the nearest one left, ties by index.
void Centers::chain(const Interrupt& interrupt) {
    const auto n = static_cast<std::size_t>(count_);
    std::vector<std::uint16_t> distances(n * n);
    hamming_matrix_symmetric(rows(), distances.data(), interrupt);
    std::vector<std::uint64_t> chained;
    std::vector<std::size_t> left(n);
    std::iota(left.begin(), left.end(), std::size_t{0});
    std::size_t last = 0;
    while (!left.empty()) {
        const auto next =
            std::min_element(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
                return distances[last * n + a] < distances[last * n + b];
            });
        last = *next;
        left.erase(next);
        const std::uint64_t* const center =
            centers_.data() + static_cast<std::int64_t>(last) * words_;
        chained.insert(chained.end(), center, center + words_);
    }
    centers_ = std::move(chained);
}

CodeRows Centers::rows() const { return {centers_.data(), count_, words_, words_}; }

Assignment Centers::assign(const CodeRows& codes, std::size_t head_chunks,
                           const Interrupt& interrupt) const {
    constexpr auto block = static_cast<std::int64_t>(lookup::block);
    std::vector<LookupBlock> blocks;
    for (std::int64_t begin = 0; begin < count_; begin += block) {
        blocks.emplace_back(rows(), begin, std::min(count_, begin + block));
    }
    const auto n = static_cast<std::size_t>(codes.rows);
    Assignment assignment{std::vector<std::uint16_t>(n), std::vector<std::uint16_t>(n, 0xffff),
                          std::vector<std::uint16_t>(n)};
    const std::int64_t tile_rows = LookupTables::tile_rows();
    const auto run = [&](std::int64_t i) {
        LookupTables tables;
        const std::int64_t begin = i * tile_rows;
        const RowList list{begin,
                           static_cast<std::size_t>(std::min(tile_rows, codes.rows - begin))};
        for (std::size_t b = 0; b < blocks.size(); ++b) {
            take_nearest(tables, blocks[b], b * lookup::block, codes, list, head_chunks,
                         assignment);
        }
    };
    const double words = static_cast<double>(codes.rows) * static_cast<double>(words_);
    parallel_for((codes.rows + tile_rows - 1) / tile_rows,
                 10 * words * static_cast<double>(blocks.size()), run, interrupt);
    return assignment;
}

}  // namespace splinecode

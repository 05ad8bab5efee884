#include "pruned_index.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "memory.hpp"
#include "neighbor_key.hpp"

namespace splinecode {
namespace {

/// Clusters of about this many codes at least. More centres bound better, at more distances a code.
constexpr std::int64_t cluster_rows = 64;
constexpr std::int64_t most_clusters = 512;

std::int64_t cluster_count(std::int64_t rows) {
    return std::clamp<std::int64_t>(rows / cluster_rows, 1, most_clusters);
}

/// A third of the bits, the most variable ones: by then the distances of unlike codes of trained
/// nets exceed those of the nearest. Whole settlings waste least.
std::size_t head_chunks(std::int64_t words) {
    constexpr std::size_t whole = lookup::chunks_per_settling;
    return std::max(whole, lookup_chunks(words) / 3 / whole * whole);
}

std::vector<std::uint64_t> reordered(const BitOrder& order, const CodeRows& codes,
                                     const Interrupt& interrupt) {
    if (codes.rows >> 32 != 0) {
        throw std::length_error("pruned search takes fewer than 2^32 codes");
    }
    if (64 * order.words() > static_cast<std::int64_t>(lookup::most_bits)) {
        throw std::length_error("more than 65,534 bits vary: pruned search cannot order them");
    }
    need_memory(saturating_product({codes.rows, 2 * order.words() + 8, 8}),
                "an index of " + std::to_string(codes.rows) + " codes");
    std::vector<std::uint64_t> words(static_cast<std::size_t>(codes.rows * order.words()));
    order.apply(codes, words.data(), interrupt);
    return words;
}

}  // namespace

PrunedIndex::PrunedIndex(const CodeRows& codes, const Interrupt& interrupt)
    : code_words_(codes.words),
      order_(codes, interrupt),
      words_(reordered(order_, codes, interrupt)),
      original_(static_cast<std::size_t>(codes.rows)),
      head_chunks_(head_chunks(order_.words())),
      centers_({words_.data(), codes.rows, order_.words(), order_.words()},
               cluster_count(codes.rows), interrupt) {
    const std::vector<std::uint64_t> unsorted =
        std::exchange(words_, std::vector<std::uint64_t>(words_.size()));
    const CodeRows rows{unsorted.data(), codes.rows, order_.words(), order_.words()};
    sort_codes(rows, centers_.assign(rows, head_chunks_, interrupt));
}

CodeRows PrunedIndex::codes() const {
    return {words_.data(), rows(), order_.words(), order_.words()};
}

std::int64_t PrunedIndex::bytes() const {
    return static_cast<std::int64_t>(8 * (words_.size() + original_.size()));
}

void PrunedIndex::sort_codes(const CodeRows& reordered, const Assignment& assignment) {
    original_ = assignment.sorted();
    for (std::size_t i = 0; i < original_.size(); ++i) {
        const std::uint64_t* const from = reordered.row(original_[i]);
        std::copy_n(from, reordered.words,
                    words_.data() + static_cast<std::int64_t>(i) * reordered.words);
    }
    const auto sorted = [&](const std::vector<std::uint16_t>& values) {
        std::vector<std::uint16_t> out(values.size());
        std::transform(original_.begin(), original_.end(), out.begin(),
                       [&](std::int64_t row) { return values[static_cast<std::size_t>(row)]; });
        return out;
    };
    cluster_ = sorted(assignment.cluster);
    distance_ = sorted(assignment.distance);
    rest_ = sorted(assignment.rest);
    for (std::int64_t i = 0; i < centers_.rows().rows; ++i) {
        const auto range = std::equal_range(cluster_.begin(), cluster_.end(), i);
        clusters_.push_back({range.first - cluster_.begin(), range.second - cluster_.begin()});
    }
}

}  // namespace splinecode
